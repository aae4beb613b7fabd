"""Who else plans our items: two planners on one item order twice, so each case is named."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from connector.inventory.snapshot import Snapshot

# Planning types by which the ERP leaves an item to others: none, no planning, external planning.
NOT_PLANNED = frozenset({"", "ND", "X0"})
OTHER_PLANNERS = pl.Schema(
    {"node": pl.String, "item": pl.String, "reason": pl.String, "detail": pl.String}
)


def other_planners(
    snapshot: Snapshot,
    *,
    own_keys: Collection[str] = (),
    own_numbers: Collection[str] = (),
    not_planned: Collection[str] = NOT_PLANNED,
) -> pl.DataFrame:
    """Return one warning per item-node and reason: `planning_type` or `foreign_requisition`.

    A requisition is ours by its key or its number; one with a key of our shape counts as ours where
    no keys are known.
    """
    planned = snapshot.items.filter(pl.col("mrp_type").is_in(list(not_planned)).not_())
    by_type = planned.select(
        "node",
        "item",
        reason=pl.lit("planning_type"),
        detail=pl.format("the ERP plans it by type {}", "mrp_type"),
    )
    is_ours = pl.col("document").is_in(list(own_numbers))
    keyed = pl.col("tracking").is_in(list(own_keys)) if own_keys else pl.col("tracking") != ""
    open_lines = snapshot.pipeline.filter(pl.col("kind") == "requisition")
    foreign = (
        open_lines.filter((is_ours | keyed).not_())
        .group_by("node", "item")
        .agg(
            quantity=pl.col("quantity").sum(),
            documents=pl.col("document").unique().sort().str.join(", "),
        )
    )
    by_others = foreign.select(
        "node",
        "item",
        reason=pl.lit("foreign_requisition"),
        detail=pl.format("{} open in {}", "quantity", "documents"),
    )
    both = pl.concat([by_type, by_others])
    return both.cast(OTHER_PLANNERS).sort(OTHER_PLANNERS.names())
