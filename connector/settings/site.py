"""One site: an ERP system with its nodes, and everything people decided about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from connector.failsafes.limits import Limits
from connector.inventory.planning import Planning
from connector.ports import Mode
from connector.settings.declared import Declared
from connector.settings.erp import SapErp
from connector.settings.network import Items, NetworkSettings
from connector.settings.parts import FilePath, Part, Plant
from connector.settings.quantities import Duration, Size, between, from_to
from connector.settings.schedule import ScheduleSettings

# Set anew for each review by its schedule; a person writes sites[].review_days instead.
LEFT_OUT = ("sites.planning.review_days",)


class PilotSettings(Part):
    """Narrows `live` and `validate` to chosen nodes and items; the rest stays in shadow."""

    nodes: tuple[Plant, ...] = ()
    """Only these plants; empty = all of the site."""
    items: Items = ()
    """Only these items; empty = all of the site."""


class PolicySettings(Part):
    """Which policy recommends, and whose signature makes it usable."""

    bundle: FilePath | Literal["shipped", "shipped-daily", "none"] = "shipped"
    """A bundle's directory, or one of this package: `shipped` for any rhythm of reviews,
    `shipped-daily` for networks that are reviewed every day; `none` = base-stock only."""
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


class Site(Part):
    """One ERP system with its nodes."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """Lower-case; part of every key and path of the site, so never change it."""
    mode: Mode = "shadow"
    """shadow records, validate lets the ERP check and store nothing, live posts."""
    pilot: PilotSettings = Field(default_factory=PilotSettings)
    """Narrows `live` and `validate`; the rest stays in shadow."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    """Of every amount in `limits` and in reports."""
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings)
    """When the site is reviewed."""
    review_days: Annotated[float, Field(ge=1 / 24, le=366)] | None = None
    """Days one review must cover; none = until the next slot of the schedule."""
    erp: SapErp
    """How the site reaches its ERP."""
    network: NetworkSettings
    """The plants, who supplies whom, which items."""
    planning: Annotated[Planning, Declared(leave_out=("review_days",))] = Field(
        default_factory=Planning
    )
    """Demand and lead time windows, service targets."""
    policy: PolicySettings = Field(default_factory=PolicySettings)
    """Which policy recommends."""
    limits: Annotated[Limits, Declared()] = Field(default_factory=Limits)
    """What people allow: one group for each fail-safe."""
    posting: PostingSettings = Field(default_factory=PostingSettings)
    """How requisitions are sent."""
    evidence: EvidenceSettings = Field(default_factory=EvidenceSettings)
    """What is kept of every review."""
