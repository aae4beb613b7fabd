"""From trained weights to a signed bundle: the states it lived in, its figures, its parity."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from connector.errors import PolicyUnusable
from connector.policy.bundle import Bundle
from connector.policy.features import NAMES, SITUATION, in_range, schema_digest
from connector.policy.manifest import Training
from connector.twin.dynamics import Stock, uncrossed
from connector.twin.rollout import rollout
from policies.agents.chains import Books, started, told
from policies.agents.hindsight import ordering
from policies.bundling import Identity, States, manifest_of, write_bundle
from policies.export import require_parity, to_onnx
from policies.family import Family
from policies.head import CappedBaseStock
from policies.instances import tell, tell_stock
from policies.lots import whole_lots
from policies.promises import promised_days

_GOLDEN, _REFERENCE, _FIT, _CALIBRATION = 256, 512, 20_000, 2_000
_PERIODS, _SETTLED, _EVERY, _CHAINS = 120, 60, 10, 8_192
_ACTION_RANGE = (0.0, 2_000.0)  # reviews of demand; a level beyond is no level
_DRAWN = 20_000  # instances whose situations say what training saw
_SLACK, _ROUNDING, _ANY = 0.02, 1e-3, 1e9
_BEYOND = 0.25  # of a bound: sites tell estimates, which scatter around what training was told
_SEED = 77_001  # apart from every training seed


def ship(
    network: CappedBaseStock,
    family: Family,
    identity: Identity,
    key: Ed25519PrivateKey,
    directory: Path,
    *,
    recipe: Mapping[str, object],
    evaluation: Mapping[str, float],
    tell_user: Callable[[str], None],
) -> Bundle:
    """Return the written bundle; raise PolicyUnusable where ONNX and torch differ."""
    network = network.eval()
    states = _states(network, family)
    model = to_onnx(network, states.golden)
    tell_user(f"parity torch - ONNX {require_parity(network, model, states.fit):.2g}")
    digest = json.dumps(dict(recipe), sort_keys=True) + family.name + schema_digest()
    seed = recipe.get("seed", 0)
    manifest = manifest_of(
        identity,
        model,
        states,
        semantics="echelon_order_up_to",
        reads=NAMES,
        trained=trained_ranges(family),
        action_range=_ACTION_RANGE,
        training=Training(
            twin=f"connector.twin, family {family.name}",
            digest=hashlib.sha256(digest.encode()).hexdigest(),
            seed=seed if isinstance(seed, int) else 0,
            notes=f"synthetic instances, no site's data; {json.dumps(dict(recipe))}",
        ),
        evaluation=dict(evaluation),
    )
    bundle = write_bundle(directory, manifest, model, [key])
    tell_user(f"{bundle.name} in {directory}, model {len(model)} bytes, sha256 {bundle.digest}")
    return bundle


def _states(network: CappedBaseStock, family: Family) -> States:
    rows = visited(network, family)
    sizes = (_GOLDEN, _REFERENCE, _FIT, _CALIBRATION)
    if len(rows) < sum(sizes):
        raise PolicyUnusable(
            f"{len(rows)} states in range were visited, {sum(sizes)} are needed",
            hint="the family lies outside the feature schema's ranges",
        )
    rng = np.random.default_rng(_SEED)
    chosen = rows[rng.permutation(len(rows))[: sum(sizes)]]
    golden, reference, fit, calibration = np.split(chosen, np.cumsum(sizes)[:-1])
    return States(golden=golden, reference=reference, fit=fit, calibration=calibration)


@torch.no_grad()
def trained_ranges(family: Family) -> NDArray[np.float32]:
    """Return the least and most [F, 2] of each feature that a line may show to be answered.

    Of a situation, what training saw and a little beyond. Where training saw one value only, the
    network cannot tell others apart: that is harmless for what it ignores, but not for the review
    period, which its levels were made for. Stock is never limited: short stock must be ordered.
    """
    chance = torch.Generator().manual_seed(_SEED)
    drawn = family.drawn(_DRAWN, chance)
    situation, _ = tell(family.topology, told(family, drawn, chance))
    seen = situation.flatten(0, 1).numpy()
    low, high = seen.min(axis=0), seen.max(axis=0)
    width = _SLACK * (high - low) + _ROUNDING
    same = (high - low < _ROUNDING) & (np.asarray(NAMES[: len(SITUATION)]) != "review_days")
    ranges = np.tile(np.asarray([[-_ANY, _ANY]], dtype=np.float32), (len(NAMES), 1))
    ranges[: len(SITUATION), 0] = np.where(same, -_ANY, low - width - _BEYOND * np.abs(low))
    ranges[: len(SITUATION), 1] = np.where(same, _ANY, high + width + _BEYOND * np.abs(high))
    return ranges


@torch.no_grad()
def visited(network: CappedBaseStock, family: Family) -> NDArray[np.float32]:
    """Return feature rows of states that the policy really comes to, in range."""
    chance = torch.Generator().manual_seed(_SEED)
    chains = started(family, max(64, _CHAINS // family.topology.nodes), chance)
    known = told(family, chains.instances, chance)
    situation, rate = tell(family.topology, known)
    orders = ordering(network, family.topology, known)
    days = promised_days(known.promised_time, family.topology.horizon)
    leads = uncrossed(chains.instances.lead_times(_PERIODS, chance, family.topology.horizon))
    seen: list[NDArray[np.float32]] = []

    def policy(stock: Stock, period: int) -> torch.Tensor:
        if period >= _SETTLED and period % _EVERY == 0:
            stocks = tell_stock(family.topology, stock, rate, chains.promised(days))
            seen.append(torch.cat([situation, stocks], dim=-1).flatten(0, 1).numpy())
        return whole_lots(orders(stock, chains.promises), chains.instances)

    rollout(
        family.topology,
        chains.instances.rules(),
        chains.stock,
        demand=chains.instances.demand(_PERIODS, chance),
        lead_time=leads,
        policy=policy,
        watch=Books(chains, leads),
    )
    rows = np.concatenate(seen)
    rows = np.nan_to_num(rows, nan=1e9, posinf=1e9).astype(np.float32)
    return rows[in_range(rows)]
