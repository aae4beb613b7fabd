"""The benchmark's oracle, computed afresh: one linear program that knows the demand of a path.

It serves to see that this machine draws the demand the authors drew: profit by profit, the oracle
must come out as published. Only for scenarios without goodwill, whose demand no one's orders move.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections import defaultdict
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from policies.benchmarks.invmgmt_twin import PERIODS, PRICE, SHORTAGE, Network

Terms = dict[int, float]


class _Rows:
    """Constraints of a linear program, written row by row."""

    def __init__(self) -> None:
        self.rows: list[Terms] = []
        self.right: list[float] = []

    def add(self, terms: Terms, right: float) -> None:
        self.rows.append(terms)
        self.right.append(right)

    def matrix(self, columns: int) -> NDArray[np.float64]:
        full = np.zeros((len(self.rows), columns))
        for at, terms in enumerate(self.rows):
            for column, factor in terms.items():
                full[at, column] = factor
        return full


def oracle_profit(network: Network, demand: NDArray[np.float64], *, backlog: bool) -> float:
    """Return the most that could have been earned on this demand path [periods]."""
    program = _Program(network)
    equal, most = _Rows(), _Rows()
    for period in range(PERIODS):
        program.keep_balance(equal, most, period)
        program.keep_demand(equal, period, demand, backlog=backlog)
    columns = program.columns
    done = import_module("scipy.optimize").linprog(
        -program.worth(),
        A_eq=equal.matrix(columns),
        b_eq=equal.right,
        A_ub=most.matrix(columns),
        b_ub=most.right,
        method="highs",
    )
    return float(-done.fun)


class _Program:
    """Columns: flow per link, stock per node, sales and shortage, period after period."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.links, self.nodes = network.links, network.nodes
        self._width = len(self.links) + len(self.nodes) + 2
        self.columns = self._width * PERIODS

    def _flow(self, period: int, link: int) -> int:
        return period * self._width + link

    def _stock(self, period: int, node: int) -> int:
        return period * self._width + len(self.links) + node

    def _sale(self, period: int) -> int:
        return (period + 1) * self._width - 2

    def _short(self, period: int) -> int:
        return (period + 1) * self._width - 1

    def keep_balance(self, equal: _Rows, most: _Rows, period: int) -> None:
        """Stock follows its flows; what is shipped was there when the period began."""
        for at, node in enumerate(self.nodes):
            terms: Terms = defaultdict(float)
            terms[self._stock(period, at)] = 1.0
            if period:
                terms[self._stock(period - 1, at)] = -1.0
            if at == 0:
                terms[self._sale(period)] = 1.0
            shipped: Terms = {}
            for number, link in enumerate(self.links):
                if link.buyer == node.name and period >= link.lead:
                    terms[self._flow(period - link.lead, number)] -= 1.0
                if link.supplier == node.name:
                    shipped[self._flow(period, number)] = 1.0
            terms.update(shipped)
            start = 0.0 if period else node.start
            equal.add(terms, start)
            if shipped:
                most.add(shipped, node.capacity)
                before = {self._stock(period - 1, at): -1.0} if period else {}
                most.add(shipped | before, start)

    def keep_demand(
        self, equal: _Rows, period: int, demand: NDArray[np.float64], *, backlog: bool
    ) -> None:
        """Demand is sold or short; a backlog is asked for again."""
        terms = {self._sale(period): 1.0, self._short(period): 1.0}
        if backlog and period:
            terms[self._short(period - 1)] = -1.0
        equal.add(terms, float(demand[period]))

    def worth(self) -> NDArray[np.float64]:
        """Return the profit of one unit in each column."""
        made = {node.name: node.production for node in self.nodes}
        worth = np.zeros(self.columns)
        for period in range(PERIODS):
            worth[self._sale(period)] = PRICE
            worth[self._short(period)] = -SHORTAGE
            for at, node in enumerate(self.nodes):
                worth[self._stock(period, at)] = -node.holding
            for at, link in enumerate(self.links):
                held = min(link.lead, PERIODS - period) * link.transit
                worth[self._flow(period, at)] = -(link.raw + made.get(link.supplier, 0.0) + held)
        return worth
