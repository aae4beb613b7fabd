"""How long evidence is kept: by age, by size, and never so short that the next review is blind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from connector.errors import LedgerUnavailable
from connector.ledger.evidence import EvidenceStore
from connector.ledger.files import safe_name

_REVIEW = re.compile(r"\d{8}T\d{6}Z-[A-Z2-7]{6}")
_UNFINISHED_SUFFIX = ".new"


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is kept of a site's evidence."""

    days: int = 400
    octets: int = 20 * 2**30


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was removed."""

    reviews: tuple[str, ...]
    octets: int


def prune(
    evidence: EvidenceStore, site: str, retention: Retention, now: datetime, keep: Collection[str]
) -> Pruned:
    """Remove a site's oldest evidence beyond days or octets; `keep` and their history stay.

    `keep` must name the review that the site's previous-pointer names. Raises LedgerUnavailable.
    """
    try:
        return _prune(evidence, site, retention, now, keep)
    except OSError as error:
        msg = f"{evidence.root / safe_name(site)}: the evidence cannot be pruned: {error}"
        raise LedgerUnavailable(msg, hint="check owner and mode") from error


def _prune(
    evidence: EvidenceStore, site: str, retention: Retention, now: datetime, keep: Collection[str]
) -> Pruned:
    directory = evidence.root / safe_name(site)
    if not directory.is_dir():
        return Pruned(reviews=(), octets=0)
    for path in directory.glob(f".*{_UNFINISHED_SUFFIX}"):
        shutil.rmtree(path)
    reviews = sorted(path for path in directory.iterdir() if _REVIEW.fullmatch(path.name))
    sizes = {path: _octets(path) for path in reviews}
    oldest = f"{now - timedelta(days=retention.days):%Y%m%dT%H%M%SZ}"
    gone: list[Path] = []
    standing = sum(sizes.values())
    for path in reviews:
        if path.name in keep or (path.name >= oldest and standing <= retention.octets):
            continue
        gone.append(path)
        standing -= sizes[path]
    for path in gone:
        shutil.rmtree(path)
    left = [path.name for path in reviews if path not in gone]
    referred = {name for review in left for name in evidence.parts_of(site, review)}
    freed = evidence.history(site).prune(referred) if gone else 0
    return Pruned(
        reviews=tuple(path.name for path in gone),
        octets=sum(sizes[path] for path in gone) + freed,
    )


def prune_policies(evidence: EvidenceStore, used: Collection[str]) -> tuple[str, ...]:
    """Remove kept policies that are not in use; return which. Raises LedgerUnavailable."""
    directory = evidence.root / "policies"
    if not directory.is_dir():
        return ()
    try:
        gone = [path for path in sorted(directory.iterdir()) if path.name not in used]
        for path in gone:
            shutil.rmtree(path)
    except OSError as error:
        msg = f"{directory}: the policies cannot be pruned: {error}"
        raise LedgerUnavailable(msg, hint="check owner and mode") from error
    return tuple(path.name for path in gone)


def _octets(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
