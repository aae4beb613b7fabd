"""What the fail-safes said during one review, collected in columns while the quantity only falls.

The highest action over a line, its node and its site wins, with one exception: FALLBACK says whose
answer a line carries, so a fall-back answer that is then held or suppressed shows as that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.failsafes.catalogue import CATALOGUE
from connector.failsafes.columns import Column, Lines, Mask
from connector.failsafes.verdicts import FINDINGS, Action, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

SITE = ""  # the node of a finding about the whole site


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """Findings of one fail-safe and action: about lines (`rows`) or about nodes (`nodes`)."""

    guard: str
    action: Action
    value: Column
    threshold: Column
    before: Column
    after: Column
    detail: Sequence[str]
    rows: NDArray[np.int64] | None = None
    nodes: Sequence[str] = ()


class Docket:
    """Collects findings; `quantity` is what each line may still order, or a person may approve."""

    def __init__(self, lines: Lines) -> None:
        """Begin with nothing asked and nothing found."""
        size = len(lines)
        self._lines = lines
        self._entries: list[_Entry] = []
        self.quantity: Column = np.zeros(size)
        self.action: NDArray[np.int8] = np.zeros(size, dtype=np.int8)
        self.guards: NDArray[np.uint64] = np.zeros(size, dtype=np.uint64)
        self.fell_back: Mask = np.zeros(size, dtype=bool)
        self.node_action: NDArray[np.int8] = np.zeros(len(lines.nodes), dtype=np.int8)
        self._node_guards: NDArray[np.uint64] = np.zeros(len(lines.nodes), dtype=np.uint64)
        self._closed: Mask = np.zeros(len(lines.nodes), dtype=bool)  # to people too

    @property
    def open(self) -> Mask:
        """Lines that nothing has suppressed: the later fail-safes look at these only."""
        return self.action < Action.SUPPRESS

    @property
    def live(self) -> Mask:
        """Lines that would order now: neither held nor suppressed, and not of a stopped node."""
        going = self.node_action[self._lines.node] < Action.NODE_HOLD
        return going & (self.action < Action.HOLD) & (self.quantity > 0)

    def ask(self, quantity: Column) -> None:
        """Set what the open lines ask for."""
        self.quantity = np.where(self.open, quantity, 0.0)

    def warn(self, guard: str, finding: Finding) -> None:
        """Note something; change nothing."""
        self._lines_said(guard, Action.WARN, finding, self.quantity)

    def cut(self, guard: str, cut: Finding, hold: Finding | None = None) -> None:
        """Cut the quantity to what is allowed, in whole lots, and say so or say `hold` instead.

        A held line is cut as well: nobody approves more than the cuts allow.
        """
        allowed = np.zeros(len(self._lines)) if cut.allowed is None else cut.allowed
        whole = self._lines.lots.down(np.maximum(allowed, 0.0))
        after = np.minimum(self.quantity, np.where(cut.tripped, whole, np.inf))
        said = cut if hold is None else replace(cut, tripped=cut.tripped & ~hold.tripped)
        self._lines_said(guard, Action.CLAMP, said, after)
        if hold is not None:
            self.hold(guard, hold)
        self.quantity = np.where(self.open, after, self.quantity)

    def cut_or_hold(self, guard: str, cut: Finding) -> None:
        """Cut the quantity; where not even a smallest lot is left, hold it uncut instead."""
        allowed = np.zeros(len(self._lines)) if cut.allowed is None else cut.allowed
        nothing = cut.tripped & (self._lines.lots.down(np.maximum(allowed, 0.0)) <= 0)
        self.cut(guard, replace(cut, tripped=cut.tripped & ~nothing))
        self.hold(guard, replace(cut, tripped=nothing))

    def hold(self, guard: str, finding: Finding) -> None:
        """Let the line wait for a person, who may approve `quantity`."""
        self._lines_said(guard, Action.HOLD, finding, np.zeros(len(self._lines)))

    def suppress(self, guard: str, finding: Finding, details: Sequence[str] = ()) -> None:
        """Order nothing on the line in this review. `details` has one text per tripped line."""
        self._lines_said(guard, Action.SUPPRESS, finding, np.zeros(len(self._lines)), details)
        self.quantity = np.where(self.open, self.quantity, 0.0)

    def fall_back(self, guard: str, finding: Finding, quantity: Column) -> None:
        """Ask for base-stock's quantity instead of the policy's."""
        tripped = finding.tripped & self.open
        after = np.where(tripped, quantity, self.quantity)
        self._lines_said(guard, Action.FALLBACK, finding, after, raises=False)
        self.fell_back = self.fell_back | tripped
        self.quantity = after

    def answer_instead(self, lines: Mask, quantity: Column) -> None:
        """Give lines of a node that fell back base-stock's quantity."""
        changed = lines & self.open
        self.fell_back = self.fell_back | changed
        self.quantity = np.where(changed, quantity, self.quantity)

    @property
    def approvable(self) -> Mask:
        """Lines that only sums over their node hold: the picture is sound, a person may decide."""
        held = self.node_action[self._lines.node] == Action.NODE_HOLD
        waits: Mask = held & ~self._closed[self._lines.node] & (self.action <= Action.HOLD)
        return waits

    def nodes(
        self, guard: str, action: Action, finding: Finding, *, approvable: bool = False
    ) -> None:
        """Say something about nodes: the finding's columns are per node of the lines."""
        where = np.flatnonzero(finding.tripped)
        names = [self._lines.nodes[each] for each in where]
        self._nodes_said(guard, action, finding, names, where)
        if action != Action.FALLBACK:
            self.node_action[where] = np.maximum(self.node_action[where], action)
        if action >= Action.NODE_HOLD and not approvable:
            self._closed[where] = True
        self._node_guards[where] |= _bit(guard)

    def elsewhere(self, guard: str, action: Action, finding: Finding, names: Sequence[str]) -> None:
        """Say something about nodes that have no line, or about the whole SITE."""
        where = np.flatnonzero(finding.tripped)
        said = [names[int(each)] for each in where]
        self._nodes_said(guard, action, finding, said, where)
        if SITE in said:
            self.node_action = np.maximum(self.node_action, np.int8(action))
            self._closed |= action >= Action.NODE_HOLD
            self._node_guards |= _bit(guard)

    def _lines_said(
        self,
        guard: str,
        action: Action,
        finding: Finding,
        after: Column,
        details: Sequence[str] = (),
        *,
        raises: bool = True,
    ) -> None:
        tripped = finding.tripped & self.open
        rows = np.flatnonzero(tripped)
        if not len(rows):
            return
        still = tripped[finding.tripped]
        detail = (
            [text for text, keep in zip(details, still, strict=True) if keep] if details else ()
        )
        self._entries.append(
            _Entry(
                guard=guard,
                action=action,
                value=finding.value[rows],
                threshold=finding.threshold[rows],
                before=self.quantity[rows],
                after=after[rows],
                detail=detail or [finding.detail] * len(rows),
                rows=rows,
            )
        )
        self.guards[rows] |= _bit(guard)
        if raises:
            self.action[rows] = np.maximum(self.action[rows], action)

    def _nodes_said(
        self, guard: str, action: Action, finding: Finding, names: Sequence[str],
        where: NDArray[np.int64],
    ) -> None:  # fmt: skip
        if not len(where):
            return
        nothing = np.zeros(len(where))
        self._entries.append(
            _Entry(
                guard=guard,
                action=action,
                value=finding.value[where],
                threshold=finding.threshold[where],
                before=nothing,
                after=nothing,
                detail=[finding.detail] * len(where),
                nodes=names,
            )
        )

    def verdicts(self) -> NDArray[np.int8]:
        """Return the highest action over each line, its node and its site."""
        own = np.where(
            self.fell_back & (self.action < Action.HOLD), np.int8(Action.FALLBACK), self.action
        )
        return np.maximum(own, self.node_action[self._lines.node])

    def bits(self) -> NDArray[np.uint64]:
        """Return the guards that said something about each line, its node or its site."""
        return self.guards | self._node_guards[self._lines.node]

    def findings(self) -> pl.DataFrame:
        """Return FINDINGS in the order of the composition."""
        frames = [self._framed(entry) for entry in self._entries]
        return pl.concat(frames) if frames else FINDINGS.to_frame()

    def _framed(self, entry: _Entry) -> pl.DataFrame:
        size = len(entry.value)
        if entry.rows is None:
            about = pl.DataFrame({"node": list(entry.nodes), "item": [""] * size})
        else:
            about = self._lines.state.frame.select("node", "item")[entry.rows]
        return about.with_columns(
            pl.lit(entry.guard).alias("guard"),
            pl.lit(int(entry.action), dtype=pl.Int8).alias("action"),
            pl.Series("value", entry.value, dtype=pl.Float64),
            pl.Series("threshold", entry.threshold, dtype=pl.Float64),
            pl.Series("before", entry.before, dtype=pl.Float64),
            pl.Series("after", entry.after, dtype=pl.Float64),
            pl.Series("detail", entry.detail, dtype=pl.String),
        ).select(*FINDINGS)


def _bit(guard: str) -> np.uint64:
    return np.uint64(1) << np.uint64(CATALOGUE[guard].bit)
