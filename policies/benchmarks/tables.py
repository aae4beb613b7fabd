"""What `python -m policies benchmark` prints: one table each, with the seconds it took."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import torch

from connector.errors import ConfigError
from policies.benchmarks import beside_rules, crossover, retailers, serial, speed, zero_shot, zipkin
from policies.head import CappedBaseStock
from policies.runs import Run, load, note

Tell = Callable[[str], None]
Benchmark = Callable[[Path | None, int, Tell], None]


def _zipkin(run: Path | None, threads: int, tell: Tell) -> None:
    card, trained = _trained(run, "lost-sales", threads)
    tell(f"{card.algorithm}, trained in {card.seconds:.0f} s, {card.updates} updates")
    figures: dict[str, float] = {}
    for name, title, table in (
        ("zipkin", "known optimum", zipkin.OPTIMAL),
        ("zipkin_longer", "longer lead times, beside the best published", zipkin.PUBLISHED),
    ):
        began = time.perf_counter()
        rows = zipkin.evaluate(trained, table)
        tell(f"\n{title}: {len(rows)} instances")
        tell("| demand | L | p | reference | policy | gap % | ± % |\n|---|---|---|---|---|---|---|")
        for row in rows:
            tell(
                f"| {row.demand} | {row.lead_time} | {row.shortage:.0f} | {row.reference:.4f} | "
                f"{row.cost:.4f} | {100 * row.gap:.2f} | "
                f"{196 * row.standard_error / row.reference:.2f} |"
            )
        gaps = [row.gap for row in rows]
        mean, worst = sum(gaps) / len(gaps), max(gaps)
        took = time.perf_counter() - began
        tell(f"gap: mean {100 * mean:.3f} %, worst {100 * worst:.3f} %, {took:.0f} s")
        figures |= {f"{name}_gap_mean": mean, f"{name}_gap_worst": worst}
    if run is not None:
        note(run, figures)


def _zero_shot(run: Path | None, threads: int, tell: Tell) -> None:
    _, trained = _trained(run, "lost-sales", threads)
    began = time.perf_counter()
    rows = zero_shot.compare(trained)
    cheaper = sum(row.dearer < 0 for row in rows)
    worst = max(rows, key=lambda row: row.dearer)
    mean = sum(row.dearer for row in rows) / len(rows)
    tell(f"{len(rows)} held-out instances beside each one's own best capped base-stock policy")
    tell(f"cheaper on {cheaper} ({100 * cheaper / len(rows):.1f} %), mean {100 * mean:+.2f} %")
    tell(f"worst {100 * worst.dearer:+.2f} %: {worst}")
    tell(f"{time.perf_counter() - began:.0f} s")


def _network(run: Path | None, threads: int, tell: Tell) -> None:
    _, trained = _trained(run, "distribution", threads)
    figures = beside_rules.report(trained, tell)
    if run is not None:
        note(run, figures)


def _speed(_: Path | None, threads: int, tell: Tell) -> None:
    torch.set_num_threads(threads)
    speed.report(threads, tell)


def _serial(_: Path | None, threads: int, tell: Tell) -> None:
    torch.set_num_threads(threads)
    serial.report(tell)


def _crossover(_: Path | None, threads: int, tell: Tell) -> None:
    torch.set_num_threads(threads)
    crossover.report(tell)


def _retailers(_: Path | None, threads: int, tell: Tell) -> None:
    torch.set_num_threads(threads)
    retailers.report(tell)


def _trained(run: Path | None, family: str, threads: int) -> tuple[Run, CappedBaseStock]:
    torch.set_num_threads(threads)
    if run is None:
        raise ConfigError(
            "--run is missing",
            hint=f"train one: python -m policies train --family {family} --out DIR",
        )
    card, trained = load(run)
    if card.family != family:
        raise ConfigError(
            f"{run} was trained for {card.family}, this benchmark is for {family}",
            hint="name another run",
        )
    return card, trained


BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "zipkin": _zipkin,
        "zero-shot": _zero_shot,
        "serial": _serial,
        "network": _network,
        "speed": _speed,
        "crossover": _crossover,
        "retailers": _retailers,
    }
)
