"""One site: an ERP system with its nodes, and everything people decided about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from connector.settings.erp import SapErp
from connector.settings.network import Items, NetworkSettings
from connector.settings.parts import FilePath, Part, Plant
from connector.settings.quantities import Duration, Size, between, from_to
from connector.settings.schedule import ScheduleSettings

SHIPPED = "shipped"


class PilotSettings(Part):
    """Narrows `live` and `validate` to chosen nodes and items; the rest stays in shadow."""

    nodes: tuple[Plant, ...] = ()
    """Only these plants; empty = all of the site."""
    items: Items = ()
    """Only these items; empty = all of the site."""


class PolicySettings(Part):
    """Which policy recommends, and whose signature makes it usable."""

    bundle: FilePath | Literal["shipped", "none"] = SHIPPED
    """A bundle's directory, `shipped` = the one in this package, `none` = base-stock only."""
    previous: FilePath | None = None
    """The bundle that takes over when `bundle` is refused; then base-stock."""
    trusted_keys: Annotated[tuple[FilePath, ...], Field(max_length=16)] = ()
    """PEM files of the ed25519 keys that may sign bundles; the shipped bundle brings its own."""
    signatures: Annotated[int, Field(ge=1, le=16)] = 1
    """How many of the trusted keys must have signed."""


class PostingSettings(Part):
    """How requisitions are sent, and how a lost answer is settled."""

    quarantine: Annotated[Duration, between("1s", "1d")] = timedelta(minutes=15)
    """Longer than the ERP's longest request: only after it may an unfound line be sent again."""
    second_look: Annotated[Duration, between("1s", "1h")] = timedelta(seconds=60)
    """Between the two searches that must both find nothing before a line is sent again."""
    visibility_lag: Annotated[Duration, between("0s", "1h")] = timedelta(0)
    """How long the ERP may hide what it stored; added to the quarantine."""
    tick: Annotated[Duration, between("100ms", "10m")] = timedelta(seconds=30)
    """How often approvals and lines in doubt are looked at between reviews."""
    never_repost: bool = False
    """Leave every line in doubt to a person instead of sending it again."""
    lines_per_document: Annotated[int, Field(ge=1, le=100)] = 100
    """Lines of one plant and purchasing group that share a requisition."""
    hold_expiry: Annotated[Duration, between("1m", "14d")] = timedelta(days=1)
    """How long a held line waits for a person; it also ends with the next review."""


class EvidenceSettings(Part):
    """What is kept of every review, so that it can be explained and replayed."""

    retention: Annotated[Duration, between("1d", "3650d")] = timedelta(days=400)
    """How long the snapshots and columns of a review are kept; the ledger itself is never cut."""
    largest: Annotated[Size, from_to("64m", "10000g")] = 20 * 1024**3
    """Octets of evidence per site; beyond it the oldest goes first."""
