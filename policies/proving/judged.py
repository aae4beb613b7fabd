"""From a bundle or a run to a judged policy: the table, and the page."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import connector
from connector.errors import ConfigError
from connector.policy.bundle import load_bundle
from connector.policy.manifest import MANIFEST
from connector.policy.onnx import OnnxPolicy
from connector.policy.trust import Trust
from connector.telemetry.report.drawing import require_matplotlib
from policies.proving import words
from policies.proving.evaluation import Proving, Tell, baselines, by_ratio
from policies.proving.page import write_evaluation

if TYPE_CHECKING:
    from datetime import date

    from connector.policy.bundle import Bundle
    from policies.proving.evaluation import Evaluation


def judge(
    policy: Path, ground: Proving, *, trusted: Path, page: Path, today: date, tell: Tell
) -> Evaluation:
    """Judge, print the tables, write the page; raise PolicyUnusable for a bundle not admitted."""
    require_matplotlib()
    bundle = _admitted(policy, trusted, today)
    policy_itself = OnnxPolicy(bundle=bundle)
    contender = by_ratio(bundle.name, lambda _: policy_itself, ground.rewards.limits)
    evaluation = ground.judge((contender, *baselines()), tell)
    tell(f"\n{evaluation.worlds}")
    for table in (
        words.results(evaluation),
        words.beside(evaluation),
        words.by_class(evaluation),
        words.interventions(evaluation),
    ):
        for line in words.lines(table):
            tell(line)
    for sentence in words.headline(evaluation):
        tell(sentence)
    size = write_evaluation(evaluation, page, policy=bundle.name)
    tell(f"{page}: {size:,} bytes")
    return evaluation


def _admitted(policy: Path, trusted: Path, today: date) -> Bundle:
    if (policy / MANIFEST).is_file():
        return _loaded(policy, Trust.read(sorted(trusted.glob("*.pem"))), today)
    if not policy.is_dir():
        raise ConfigError(
            f"{policy} is no directory", hint="name a bundle, or a run of python -m policies train"
        )
    return _shipped(policy, today)


def _shipped(run: Path, today: date) -> Bundle:
    """Return a run as the bundle that it would become, signed with a key that nobody keeps."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    from policies.bundling import Identity  # noqa: PLC0415 - onnx, only where it is needed
    from policies.runs import family_of, load  # noqa: PLC0415
    from policies.shipping import ship  # noqa: PLC0415

    card, network = load(run)
    key = Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory() as made:
        ship(
            network,
            family_of(card.family),
            Identity(
                policy_id=card.family,
                version="0",
                created_on=today,
                expires_on=today.replace(year=today.year + 1, day=min(today.day, 28)),
                connector_minimum="0.1.0",
            ),
            key,
            Path(made),
            recipe=card.recipe,
            evaluation=card.figures,
            tell_user=lambda _: None,
        )
        return _loaded(Path(made), Trust((key.public_key(),)), today)


def _loaded(directory: Path, trust: Trust, today: date) -> Bundle:
    return load_bundle(
        directory,
        trust,
        today=today,
        connector_version=connector.__version__,
        hard_links=True,
    )
