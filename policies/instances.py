"""Instances of a network: what demand is drawn from, how long orders take, what a shortage costs.

Columns are [B, N]: B items or replications, N nodes of one topology. A situation is told to a
policy by the production encoder, in torch.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import array_api_compat.torch as torch_arrays
import torch
from torch import Generator, Tensor

from connector.inventory.state import ARRIVAL_EDGES, BUCKETS
from connector.policy.features import STOCK, situation, stock_features
from connector.policy.lines import Lines
from connector.twin.dynamics import Stock, coming, echelon_position, inventory_position
from connector.twin.network import Rules, Topology
from policies.admission import admit_history
from policies.lots import steps

SINGLE = Topology(suppliers=(-1,), horizon=10)
_KNOWN = 3_650.0  # days and receipts behind a distribution that is known, not estimated
_CONSTANT = {
    "demand_days": _KNOWN,
    "lead_time_observations": _KNOWN,
    "review_days": 1.0,
    "weekday": 0.0,
    "day_of_year": 0.0,
    "lot_minimum": 0.0,
    "lot_fixed": 0.0,
    "lot_maximum": math.inf,
    "maximum_stock": math.inf,
}


@dataclass(frozen=True, kw_only=True)
class Instances:
    """Instances of one topology [B, N]. A period is a day, and every day is reviewed."""

    mean: Tensor  # a node's own customers, per period
    shape: Tensor  # of the gamma in a gamma-Poisson; inf = Poisson
    busy: Tensor  # chance that a period has customers at all
    lead_time: Tensor  # mean, periods
    lead_cv: Tensor  # of a gamma lead time, rounded to whole periods; 0 = always the mean
    holding: Tensor
    shortage: Tensor
    lost_share: Tensor  # 1 = lost sales, 0 = backorders
    lot: Tensor  # units; an order is a multiple of it
    asked: Tensor | None = None  # critical ratio; None = shortage / (holding + shortage)
    minimum: Tensor | None = None  # units; the least that is ordered at once; None = one lot
    fixed: Tensor | None = None  # units; a lot that stands for lot and minimum; 0 = none
    planned: Tensor | None = None  # periods after which goods are promised; None = the mean
    # What receipts show of lead times, where no order overtakes another; None = what is drawn
    shown_time: Tensor | None = None
    shown_cv: Tensor | None = None
    # What a history shows of a period's demand; None = what is drawn
    seen_variance: Tensor | None = None
    seen_zero_share: Tensor | None = None

    def __len__(self) -> int:
        """Return B."""
        return self.mean.shape[0]

    def each(self, change: Callable[[str, Tensor], Tensor]) -> Instances:
        """Return them with every column changed, by name; what is None stays None."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        changed = {name: change(name, c) for name, c in columns.items() if c is not None}
        return replace(self, **changed)

    def take(self, rows: Tensor) -> Instances:
        """Return some of them."""
        return self.each(lambda _, column: column[rows])

    def joined(self, more: Instances) -> Instances:
        """Return these and more of the same topology."""
        return self.each(lambda name, column: torch.cat([column, getattr(more, name)]))

    def to(self, device: torch.device) -> Instances:
        """Return the same instances on another device."""
        return self.each(lambda _, column: column.to(device))

    @property
    def critical_ratio(self) -> Tensor:
        """What planners ask for: by default what a shortage costs against a period of holding."""
        if self.asked is not None:
            return self.asked
        return self.shortage / (self.holding + self.shortage)

    @property
    def steps(self) -> tuple[Tensor, Tensor]:
        """What an order is a multiple of, and the least that is ordered, in units."""
        if self.fixed is None or self.minimum is None:
            return self.lot, self.lot
        return steps(self.lot, self.fixed, self.minimum)

    @property
    def promised_time(self) -> Tensor:
        """Periods after which goods are promised."""
        return self.lead_time if self.planned is None else self.planned

    @property
    def variance(self) -> Tensor:
        """Variance of one period's demand."""
        if self.seen_variance is not None:
            return self.seen_variance
        size = self.mean / self.busy  # mean of a busy period
        second = size + size**2 * (1.0 + 1.0 / self.shape)
        return self.busy * second - self.mean**2

    def rules(self) -> Rules:
        """Return the twin's rules."""
        return Rules(holding=self.holding, shortage=self.shortage, lost_share=self.lost_share)

    def demand(self, periods: int, chance: Generator) -> Tensor:
        """Draw demand [periods, B, N]."""
        rate = (self.mean / self.busy).expand(periods, *self.mean.shape)
        mixed = torch.isfinite(self.shape)
        shape = torch.where(mixed, self.shape, 1.0).expand_as(rate)
        gamma = torch._standard_gamma(shape, generator=chance) / shape  # noqa: SLF001 - seeded
        rate = torch.where(mixed.expand_as(rate), rate * gamma, rate)
        if bool((self.busy < 1.0).any()):
            rate = rate * (
                torch.rand(rate.shape, generator=chance, device=chance.device) < self.busy
            )
        return torch.poisson(rate, generator=chance)

    def lead_times(self, periods: int, chance: Generator, most: int) -> Tensor:
        """Draw lead times [periods, B, N] up to `most`; they may cross, see `uncrossed`."""
        size = (periods, *self.mean.shape)
        if not bool((self.lead_cv > 0).any()):
            return self.lead_time.expand(size)
        shape = torch.where(self.lead_cv > 0, self.lead_cv, 1.0).expand(size) ** -2.0
        factor = torch._standard_gamma(shape, generator=chance) / shape  # noqa: SLF001 - seeded
        drawn = torch.clamp(torch.round(self.lead_time * factor), min=1.0, max=float(most))
        return torch.where(self.lead_cv > 0, drawn, self.lead_time)


def observed(truth: Instances, seen: Tensor) -> Instances:
    """Return what is known after `seen` [T, B, N]: its mean, variance and empty days.

    Lead times are told as receipts show them. A node nobody asked for keeps a trace of demand.
    ConfigError for a history that is empty or not finite.
    """
    admit_history(seen)
    days = len(seen)
    mean = torch.clamp(seen.mean(dim=0), min=0.25 / days)
    variance = seen.var(dim=0)
    known = replace(
        truth,
        mean=mean,
        seen_variance=torch.where(variance > 0, variance, mean),
        seen_zero_share=(seen <= 0).to(mean.dtype).mean(dim=0),
    )
    return shown(known)


def shown(truth: Instances) -> Instances:
    """Return the same with the lead times that receipts show."""
    if truth.shown_time is None or truth.shown_cv is None:
        return truth
    return replace(truth, lead_time=truth.shown_time, lead_cv=truth.shown_cv)


def tell(topology: Topology, instances: Instances) -> tuple[Tensor, Tensor]:
    """Return situation features [B, N, S] as production tells them, and the demand rate [B, N]."""
    each = instances
    sd = torch.sqrt(each.variance)
    lead_sd = each.lead_time * each.lead_cv
    known = {
        "demand_mean": each.mean,
        "demand_sd": sd,
        "echelon_demand_mean": echelon_sum(topology, each.mean),
        "echelon_demand_sd": torch.sqrt(echelon_sum(topology, each.variance)),
        "demand_zero_share": _zero_share(each),
        "lead_time_mean": each.lead_time,
        "lead_time_sd": lead_sd,
        "lead_time_p50": each.lead_time,
        "lead_time_p90": each.lead_time + 1.3 * lead_sd,
        "critical_ratio": each.critical_ratio,
        "level": each.mean.new_tensor(_levels(topology)).expand_as(each.mean),
        "lot_multiple": each.lot,
    }
    fixed = {name: torch.full_like(each.mean, value) for name, value in _CONSTANT.items()}
    told_lots = {"lot_minimum": each.minimum, "lot_fixed": each.fixed}
    known |= {name: column for name, column in told_lots.items() if column is not None}
    supplied = [supplier >= 0 for supplier in topology.suppliers]
    inside = torch.tensor(supplied, device=each.mean.device)
    lines = Lines(
        (fixed | known).__getitem__,
        inside=inside.expand(each.mean.shape),
        cover_below=_cover_below(topology, each),
        xp=torch_arrays,
    )
    return situation(lines), lines.rate


def tell_stock(
    topology: Topology, stock: Stock, rate: Tensor, promised: Tensor | None = None
) -> Tensor:
    """Return the stock features [B, N, STOCK] after receipts, as production tells them.

    `promised` [B, N, BUCKETS], see `policies.promises`, stands for the true days of arrival.
    """
    nothing = torch.zeros_like(stock.on_hand)
    arrivals = _arrivals(stock, nothing) if promised is None else promised.unbind(-1)
    buckets = dict(zip(BUCKETS, arrivals, strict=True))
    columns = buckets | {
        "on_hand": stock.on_hand if stock.waiting is None else stock.on_hand - stock.waiting,
        "own_pending": nothing,
        "inventory_position": inventory_position(topology, stock),
        "echelon_position": echelon_position(topology, stock),
    }
    return stock_features(torch.stack([columns[name] for name in STOCK], dim=-1), rate)


def _arrivals(stock: Stock, nothing: Tensor) -> list[Tensor]:
    ahead = torch.stack(coming(stock), dim=-1)
    edges = [min(edge, ahead.shape[-1]) for edge in (0, *ARRIVAL_EDGES, ahead.shape[-1])]
    return [
        nothing if after == first else ahead[..., first:after].sum(dim=-1)
        for first, after in pairwise(edges)
    ]


def _levels(topology: Topology) -> list[float]:
    levels = [0.0] * topology.nodes
    for node in reversed(range(topology.nodes)):
        supplier = topology.suppliers[node]
        if supplier >= 0:
            levels[supplier] = max(levels[supplier], levels[node] + 1.0)
    return levels


def echelon_sum(topology: Topology, column: Tensor) -> Tensor:
    """Return the sum over each node and everything below it."""
    if topology.is_single_echelon:
        return column
    below = [column[:, list(topology.downstream(n))].sum(dim=1) for n in range(topology.nodes)]
    return torch.stack(below, dim=1)


def _cover_below(topology: Topology, each: Instances) -> Tensor:
    """Return production's `downstream_cover`, in days."""
    cover = torch.zeros_like(each.mean)
    if topology.is_single_echelon:
        return cover
    weight = echelon_sum(topology, each.mean)
    columns = list(cover.unbind(dim=1))
    for node in reversed(range(topology.nodes)):
        below = topology.children(node)
        if below:
            days = [each.lead_time[:, n] + 1.0 + columns[n] for n in below]
            carried = sum(weight[:, n] * day for n, day in zip(below, days, strict=True))
            columns[node] = carried / torch.clamp(weight[:, node], min=1e-9)
    return torch.stack(columns, dim=1)


def _zero_share(each: Instances) -> Tensor:
    if each.seen_zero_share is not None:
        return each.seen_zero_share
    size = each.mean / each.busy
    mixed = (1.0 + size / each.shape) ** (-torch.clamp(each.shape, max=1e6))
    none = torch.where(torch.isfinite(each.shape), mixed, torch.exp(-size))
    return 1.0 - each.busy * (1.0 - none)


def draw_single(count: int, chance: Generator) -> Instances:
    """Draw single-echelon lost-sales instances from the declared range, and a little beyond."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((count, 1), generator=chance)

    short = torch.rand((count, 1), generator=chance) < 0.65  # noqa: PLR2004 - where most items are
    lead = torch.where(short, uniform(0.5, 4.5), uniform(-0.5, 10.5)).round().clamp(0.0, 10.0)
    shape = torch.exp(uniform(math.log(0.7), math.log(60.0)))
    is_poisson = torch.rand((count, 1), generator=chance) < 0.3  # noqa: PLR2004
    one = torch.ones((count, 1))
    return Instances(
        mean=torch.exp(uniform(math.log(2.0), math.log(13.0))),
        shape=torch.where(is_poisson, math.inf, shape),
        busy=one,
        lead_time=lead,
        lead_cv=torch.zeros((count, 1)),
        holding=one,
        shortage=torch.exp(uniform(math.log(2.5), math.log(70.0))),
        lost_share=one,
        lot=one,
    )
