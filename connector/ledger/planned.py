"""From screened columns to the few lines that are owed or held: the exact decimal, the due date.

From here on a quantity is decimal text with the ERP's scale; it never passes through a float again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import polars as pl

from connector.errors import SnapshotUnfit
from connector.failsafes.verdicts import WAITING, Action, Screened
from connector.inventory.state import State

# One row per line that is owed or held.
PLANNED = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "quantity": pl.String,  # decimal text, scale of the ERP
        "held": pl.Boolean,
        "unit": pl.String,
        "due": pl.Date,
        "purchasing_group": pl.String,
        "supplying_node": pl.String,
        "value": pl.Float64,
        "reasons": pl.String,  # guards that held it
    }
)
SCALE = 3  # decimals of a quantity in the ERP
_NOISE = Decimal("1e-9")  # what float arithmetic may leave below a whole lot
_MAY_BE_SENT = (Action.PASS, Action.WARN, Action.CLAMP, Action.FALLBACK)
_DAYS_AHEAD_MAX = 3_650


def exact(quantity: float, scale: int = SCALE) -> Decimal:
    """Return the decimal the ERP can carry, never above `quantity` by more than float noise."""
    settled = Decimal(repr(quantity)).quantize(_NOISE, rounding=ROUND_HALF_EVEN)
    return settled.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_DOWN)


def plan_lines(
    state: State, screened: Screened, erp_date: date, *, scale: int = SCALE
) -> pl.DataFrame:
    """Return PLANNED: what is owed and what waits for a person, from columns of equal order."""
    columns = ("unit", "purchasing_group", "supplying_node", "lead_time_days")
    both = screened.lines.hstack(state.frame.select(columns))
    owed = pl.col("action").is_in(_MAY_BE_SENT) & (pl.col("quantity") > 0)
    held = (pl.col("held") > 0) & pl.col("action").is_in(WAITING)
    few = both.with_columns(is_held=held).filter(owed | held)
    amount = pl.when("is_held").then("held").otherwise("quantity")
    texts = [str(exact(each, scale)) for each in few.select(amount).to_series()]
    reasons = _reasons(screened)
    rows = few.select(
        "node",
        "item",
        pl.Series("quantity", texts, dtype=pl.String),
        pl.col("is_held").alias("held"),
        "unit",
        pl.Series("due", [_due(erp_date, each) for each in few["lead_time_days"]], dtype=pl.Date),
        "purchasing_group",
        "supplying_node",
        pl.col("value").fill_nan(0.0),
    ).join(reasons, on=("node", "item"), how="left", maintain_order="left")
    nonzero = pl.col("quantity").cast(pl.Float64) > 0
    return (
        rows.with_columns(pl.col("reasons").fill_null("")).filter(nonzero).match_to_schema(PLANNED)
    )


def _due(erp_date: date, lead_time_days: float) -> date:
    """Return the day the goods are needed: today and the planned lead time, rounded up."""
    if not 0.0 <= lead_time_days <= _DAYS_AHEAD_MAX:
        msg = f"a lead time of {lead_time_days} days; 0 to {_DAYS_AHEAD_MAX} are possible"
        raise SnapshotUnfit(msg, hint="correct the lead time in the ERP's master data")
    return erp_date + timedelta(days=max(1, -int(-lead_time_days // 1)))


def _reasons(screened: Screened) -> pl.DataFrame:
    """Return which guards held each line, with both numbers, for the person who decides."""
    said = pl.format(
        "{}: {} against {}{}",
        "guard",
        pl.col("value").round(3),
        pl.col("threshold").round(3),
        pl.when(pl.col("detail") == "").then(pl.lit("")).otherwise(pl.format(" ({})", "detail")),
    )
    told = screened.findings.with_columns(said.alias("said"))
    of_lines = told.filter(pl.col("action") == Action.HOLD, pl.col("item") != "")
    of_nodes = told.filter(pl.col("action") == Action.NODE_HOLD, pl.col("item") == "")
    waiting = screened.held().select("node", "item")
    by_node = waiting.join(of_nodes.select("node", "said"), on="node", maintain_order="left")
    both = pl.concat([of_lines.select("node", "item", "said"), by_node])
    return both.group_by("node", "item", maintain_order=True).agg(
        pl.col("said").str.join("; ").alias("reasons")
    )


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a review decided, in numbers, for status and report."""

    items: int
    ordered: int
    held: int
    stopped: int  # wanted by the policy, not ordered and not held
    value: float
    held_value: float
    by_action: dict[str, int]
    by_guard: dict[str, int]


def counts_of(screened: Screened) -> Counts:
    """Count the verdicts."""
    lines, held, ordered = screened.lines, screened.held(), screened.ordered()
    actions = lines["action"].value_counts().sort("action")
    guards = screened.findings["guard"].value_counts().sort("guard")
    wanted = lines.filter(pl.col("requested").fill_nan(0.0) > 0)
    neither = (pl.col("quantity") == 0) & (pl.col("held") == 0)
    return Counts(
        items=lines.height,
        ordered=ordered.height,
        held=held.height,
        stopped=wanted.filter(neither).height,
        value=float(ordered["value"].fill_nan(0.0).sum()),
        held_value=float(held["value"].fill_nan(0.0).sum()),
        by_action={Action(action).name: count for action, count in actions.iter_rows()},
        by_guard=dict(guards.iter_rows()),
    )
