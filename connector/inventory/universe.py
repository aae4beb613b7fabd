"""The item-nodes of one review, each at a fixed row, and who stands above whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from connector.inventory.quantity import Column, Rows, total

_KEY = ("node", "item")
_CODE = "code"


@dataclass(frozen=True)
class Universe:
    """Rows of a review: `keys` holds node and item, sorted and unique."""

    keys: pl.DataFrame

    def __len__(self) -> int:
        """Return the number of item-nodes."""
        return self.keys.height

    def locate(self, frame: pl.DataFrame) -> Rows:
        """Return the row of each (node, item) of a frame, -1 where the universe lacks it."""
        code = self._coded(frame)
        found = code.to_frame().join(self._rows, on=_CODE, how="left", maintain_order="left")
        return found["row"].fill_null(-1).to_numpy()

    @cached_property
    def _names(self) -> dict[str, pl.DataFrame]:
        """Number the nodes and the items: a join on numbers needs a fraction of one on texts."""
        return {
            key: self.keys.select(pl.col(key).unique())
            .with_row_index(_CODE)
            .cast({_CODE: pl.Int64})
            for key in _KEY
        }

    @cached_property
    def _rows(self) -> pl.DataFrame:
        rows = pl.int_range(len(self), dtype=pl.Int64, eager=True).alias("row")
        return self._coded(self.keys).to_frame().with_columns(rows)

    def _coded(self, frame: pl.DataFrame) -> pl.Series:
        """Return one number per (node, item) of a frame, null where either name is unknown."""
        node, item = (
            frame.select(key).join(names, on=key, how="left", maintain_order="left")[_CODE]
            for key, names in self._names.items()
        )
        return node * self._names["item"].height + item

    def total(self, frame: pl.DataFrame, quantity: str = "quantity") -> Column:
        """Return the exact sum of a frame's quantity per row."""
        return total(self.locate(frame), frame[quantity].to_numpy(), len(self))

    def upstream(self, supplier: Mapping[str, str]) -> tuple[Rows, ...]:
        """Return, nearest first, the rows of the same item at the nodes above each row.

        `supplier` names each node's upstream node, "" = none. A node that does not stock the item
        is -1 in its place; the nodes above it are found all the same.
        """
        above = dict(supplier)
        chain: list[Rows] = []
        for _ in range(len(supplier)):
            if not any(above.values()):
                break
            higher = pl.col("node").replace_strict(above, default="", return_dtype=pl.String)
            chain.append(self.locate(self.keys.with_columns(higher)))
            above = {node: supplier.get(name, "") for node, name in above.items()}
        return tuple(chain)


def below(values: Column, upstream: tuple[Rows, ...]) -> Column:
    """Return for each row the sum over all rows below it: with its own value, its echelon."""
    sums = np.zeros(len(values))
    for rows in upstream:
        known = rows >= 0
        sums += np.bincount(rows[known], values[known], minlength=len(values))
    return sums
