"""The edges as a review sees them. Adapters implement these; the core imports nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from connector.inventory.recommendation import Recommendation
    from connector.inventory.snapshot import History, Snapshot
    from connector.inventory.state import State

Mode = Literal["shadow", "validate", "live"]
MODES: tuple[str, ...] = get_args(Mode)


class Clock(Protocol):
    """The only source of time. Wall time for people, monotonic time for safety."""

    def now(self) -> datetime:
        """Return the aware UTC wall time."""

    def monotonic(self) -> float:
        """Return seconds since boot, counting suspend, never jumping."""

    def boot_id(self) -> str:
        """Return what tells this boot of the machine from any other."""

    def sleep(self, seconds: float) -> None:
        """Wait, waking early when the daemon stops."""


@dataclass(frozen=True, kw_only=True)
class RequisitionLine:
    """One line as it is owed to the ERP. `key` is ours, 10 base-32 characters, deterministic."""

    key: str
    site: str
    node: str
    item: str
    quantity: Decimal
    unit: str
    due: date
    purchasing_group: str
    supplying_node: str = ""


@dataclass(frozen=True, kw_only=True)
class RequisitionDocument:
    """Lines of one node and purchasing group that share a requisition (at most 100)."""

    key: str  # of the document: goes into its description
    node: str
    purchasing_group: str
    lines: tuple[RequisitionLine, ...]
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class ErpMessage:
    """One message in the ERP's own words. `line_key` names our line where the ERP named one."""

    code: str
    text: str
    severity: str = "error"  # error | warning | info
    line_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Filed:
    """The ERP confirmed: 201 with a number. `lines` maps our key to the ERP's line number."""

    number: str
    lines: dict[str, str]
    messages: tuple[ErpMessage, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """The ERP definitely refused the whole document; nothing was stored."""

    messages: tuple[ErpMessage, ...]


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """Definitely nothing was carried out, for no line's fault: throttled, not let in, not reached.

    Without `retry_after_seconds` nothing else is sent in the same pass either.
    """

    reason: str
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class InDoubt:
    """Unknown: it may have been stored, now or later. Never re-sent blindly."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Shadow: nothing was sent, on purpose."""


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The ERP checked the document and stored nothing."""

    messages: tuple[ErpMessage, ...] = ()


PostOutcome = Filed | Rejected | NotSent | InDoubt | Recorded | Validated


@dataclass(frozen=True, kw_only=True)
class FiledLine:
    """A requisition line found in the ERP by our key, as it stands there now."""

    key: str
    number: str
    line: str
    node: str
    item: str
    unit: str
    quantity: Decimal
    ordered: Decimal  # already converted into a purchase order or transfer
    deleted: bool
    closed: bool


class StockReader(Protocol):
    """Pulls one complete snapshot of a site, or raises; never returns a part of one."""

    def pull(self, now: datetime, history: History) -> Snapshot:
        """Read everything the review needs; `history` is what earlier pulls left."""

    def server_time(self) -> datetime:
        """Return the ERP's own clock (its Date header)."""


class RequisitionPoster(Protocol):
    """Files requisitions. Not idempotent: asked twice, the ERP files twice."""

    mode: str  # one of MODES

    def post(self, document: RequisitionDocument) -> PostOutcome:
        """Send once. Never retries a send; never raises for what the ERP answered."""

    def find(self, keys: Sequence[str]) -> list[FiledLine]:
        """Return every line with one of these keys, deleted ones too; raise ErpUnavailable."""


class Policy(Protocol):
    """Turns a state into order-up-to levels."""

    def recommend(self, state: State) -> Recommendation:
        """Answer for every line; raise PolicyUnusable rather than answer wrongly."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One scheduled review of one site: unique in the ledger."""

    site: str
    starts_at: datetime  # the scheduled moment, aware UTC
    plan: str = "replenishment"

    @property
    def name(self) -> str:
        """Return the slot's stable name, part of every key made in it."""
        return f"{self.site}/{self.plan}/{self.starts_at:%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What one pass over the outbox did."""

    filed: int = 0
    confirmed: int = 0
    rejected: int = 0
    in_doubt: int = 0
    recorded: int = 0
    validated: int = 0
    not_sent: int = 0
    stopped: str = ""  # why sending stopped early (kill file, breaker), "" = it did not
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
