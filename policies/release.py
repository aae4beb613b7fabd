"""Makes one bundle from a recipe: train, judge, export, sign."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connector.errors import PolicyUnusable
from connector.policy.bundle import Bundle
from connector.policy.manifest import Manifest, Training
from policies.bundling import Identity, States, manifest_of, write_bundle
from policies.evaluate import gaps, grid_contexts, other_family
from policies.export import require_parity, to_onnx
from policies.network import READS, OrderUpTo
from policies.order_up_to import Recipe, contexts_in_range, train

# A release that misses these is not written.
USUAL_LEVEL_GAP_MAX = 0.03  # mean, of levels above the mean demand in the cover
COST_GAP_MAX = 0.01  # mean
_GOLDEN_VECTORS = 256
_REFERENCE_STATES = 512
_FIT_STATES = 20_000
_CALIBRATION_STATES = 2_000
_ACTION_RANGE = (0.0, 2_000.0)  # reviews of demand; a level beyond is no level
_EVALUATION_SEED = 1_000_003  # apart from every training seed


def release(
    recipe: Recipe,
    key: Ed25519PrivateKey,
    directory: Path,
    *,
    created_on: date,
    expires_on: date,
    tell: Callable[[str], None],
    like: bytes | None = None,
) -> Bundle:
    """Return the written bundle; raise PolicyUnusable where the network is not good enough.

    `like`: take the weights of an earlier model instead of training, for an encoder that tells the
    features it reads as before, and others anew.
    """
    # One thread is as fast for so small a network, and adds up in one order on every machine.
    torch.set_num_threads(1)
    network = (
        trained_before(recipe, like)
        if like
        else train(recipe, lambda epoch, cost: tell(f"epoch {epoch:3d}  relative cost {cost:.5f}"))
    )
    evaluation = judge(network)
    for name, value in evaluation.items():
        tell(f"  {name:<32}{value:>12.5f}")
    _require_good(evaluation)
    states = _states(recipe)
    model = to_onnx(network, states.golden)
    tell(f"parity torch - ONNX {require_parity(network, model, states.fit):.2g}")
    manifest = _manifest(recipe, model, states, evaluation, (created_on, expires_on))
    bundle = write_bundle(directory, manifest, model, [key])
    tell(f"{bundle.name} in {directory}, model {len(model)} bytes, sha256 {bundle.digest}")
    return bundle


def _manifest(
    recipe: Recipe,
    model: bytes,
    states: States,
    evaluation: dict[str, float],
    lifetime: tuple[date, date],
) -> Manifest:
    identity = Identity(
        policy_id="order-up-to",
        version="1",
        created_on=lifetime[0],
        expires_on=lifetime[1],
        connector_minimum="0.1.0",
    )
    return manifest_of(
        identity,
        model,
        states,
        reads=READS,
        action_range=_ACTION_RANGE,
        training=_training(recipe),
        evaluation=evaluation,
    )


def trained_before(recipe: Recipe, model: bytes) -> OrderUpTo:
    """Return the network of an exported model, reading its features where they are told now."""
    network = OrderUpTo(recipe.width)
    kept = {
        each.name: torch.from_numpy(onnx.numpy_helper.to_array(each).copy())
        for each in onnx.load_model_from_string(model).graph.initializer
    }
    names = set(network.state_dict()) - {"reads"}
    network.load_state_dict({name: kept[name] for name in names}, strict=False)
    return network.eval()


def judge(network: OrderUpTo) -> dict[str, float]:
    """Return the figures of the held-out grid and of another demand family."""
    rng = np.random.default_rng(_EVALUATION_SEED)
    grid = grid_contexts(rng)
    figures = {"grid_contexts": float(len(grid))}
    for who, gap in gaps(network, grid).items():
        figures |= gap.figures(who)
    for who, extra in other_family(network, rng).items():
        figures[f"{who}_cost_negative_binomial"] = round(extra, 6)
    return figures


def _require_good(evaluation: dict[str, float]) -> None:
    limits = {"policy_usual_mean": USUAL_LEVEL_GAP_MAX, "policy_cost_mean": COST_GAP_MAX}
    for name, limit in limits.items():
        if not evaluation[name] <= limit:
            raise PolicyUnusable(
                f"{name} is {evaluation[name]}, at most {limit} may be released",
                hint="train longer, or look at what changed in the contexts",
            )


def _states(recipe: Recipe) -> States:
    rng = np.random.default_rng([recipe.seed, 2])
    sizes = (_GOLDEN_VECTORS, _REFERENCE_STATES, _FIT_STATES, _CALIBRATION_STATES)
    features = contexts_in_range(rng, sum(sizes)).features
    golden, reference, fit, calibration = np.split(features, np.cumsum(sizes)[:-1])
    return States(golden=golden, reference=reference, fit=fit, calibration=calibration)


def _training(recipe: Recipe) -> Training:
    notes = ", ".join(f"{name}={value}" for name, value in asdict(recipe).items())
    return Training(
        twin="policies.contexts",
        digest=recipe.digest(),
        seed=recipe.seed,
        notes=f"synthetic contexts, no site's data; {notes}",
    )
