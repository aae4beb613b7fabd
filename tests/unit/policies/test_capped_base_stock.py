"""The network that is trained, told by the encoder that reviews use, and the bundle it becomes."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from connector.failsafes.lots import lot_rules  # noqa: E402
from connector.inventory.state import BUCKETS, STATE, State  # noqa: E402
from connector.policy.features import NAMES, encode  # noqa: E402
from connector.policy.onnx import OnnxPolicy  # noqa: E402
from connector.twin.dynamics import Stock  # noqa: E402
from policies.agents.chains import normalise  # noqa: E402
from policies.agents.hindsight import (  # noqa: E402
    Learner,
    Recipe,
    ordering,
)
from policies.agents.learner import follow  # noqa: E402
from policies.benchmarks.zipkin import costs_of, instances  # noqa: E402
from policies.bundling import Identity  # noqa: E402
from policies.distribution import DISTRIBUTION, TREE, world  # noqa: E402
from policies.family import LOST_SALES, poisson_or_geometric  # noqa: E402
from policies.head import Bounds, CappedBaseStock  # noqa: E402
from policies.instances import SINGLE, tell, tell_stock  # noqa: E402
from policies.lots import asked_for, whole_lots  # noqa: E402
from policies.shipping import ship  # noqa: E402

TABLE = {("poisson", 2): (4.3954, 6.0936, 7.6645, 9.1064)}


def states(topology, instances, stock, node_names):
    """Return what production's state would hold for the same network, one item a row of nodes."""
    count, nodes = instances.mean.shape
    rate, sd = instances.mean.double().numpy(), torch.sqrt(instances.variance).double().numpy()
    below = [list(topology.downstream(n)) for n in range(nodes)]
    on_hand = stock.on_hand.double().numpy()
    ahead = np.stack([each.double().numpy() for each in stock.pipeline], axis=-1)
    rows = []
    for item in range(count):
        for node in range(nodes):
            known = row(instances, item, node)
            known |= {
                "node": node_names[node],
                "item": f"I{item:03}",
                "supplying_node": node_names[0] if topology.suppliers[node] >= 0 else "",
                "level": 1.0 if len(below[node]) > 1 else 0.0,
                "demand_mean": rate[item, node],
                "demand_sd": sd[item, node],
                "echelon_demand_mean": rate[item, below[node]].sum(),
                "echelon_demand_sd": math.sqrt((sd[item, below[node]] ** 2).sum()),
                "on_hand": on_hand[item, node],
                "inventory_position": on_hand[item, node] + ahead[item, node].sum(),
                "echelon_position": on_hand[item, below[node]].sum()
                + ahead[item, below[node]].sum(),
            }
            known |= bucketed(ahead[item, node])
            rows.append(known)
    blank = {name: "" if kind == pl.String else 0 for name, kind in STATE.items()}
    blank |= {"unit": "PC", "blocked": False}
    frame = pl.DataFrame([blank | each for each in rows], schema=STATE).sort("node", "item")
    return State(site="S", erp_date=date(2026, 11, 24), frame=frame)


def row(instances, item, node):
    def value(column):
        return float(column[item, node])

    lead, spread = value(instances.lead_time), value(instances.lead_cv)
    busy, shape = value(instances.busy), value(instances.shape)
    size = value(instances.mean) / busy
    none = math.exp(-size) if math.isinf(shape) else (1 + size / shape) ** -shape
    return {
        "demand_zero_share": 1 - busy * (1 - none),
        "demand_days": 3650.0,
        "lead_time_mean": lead,
        "lead_time_sd": lead * spread,
        "lead_time_p50": lead,
        "lead_time_p90": lead + 1.3 * lead * spread,
        "lead_time_observations": 3650.0,
        "review_days": 1.0,
        "critical_ratio": value(instances.critical_ratio),
        "lot_multiple": value(instances.lot),
        "lot_minimum": value(instances.minimum),
        "lot_fixed": value(instances.fixed),
        "lot_maximum": math.inf,
        "maximum_stock": math.inf,
    }


def bucketed(ahead):
    edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 28, len(ahead)]
    parts = [ahead[a:b].sum() for a, b in pairwise(edges)]
    return dict(zip(BUCKETS, parts, strict=True))


def some_stock(instances, topology, chance):
    shape = (topology.horizon, *instances.mean.shape)
    return Stock(
        on_hand=torch.poisson(instances.mean * 3.0, generator=chance),
        pipeline=tuple(torch.poisson(0.2 * torch.ones(shape), generator=chance)),
        owed=torch.zeros_like(instances.mean),
    )


def told(topology, instances, stock):
    situation, rate = tell(topology, instances)
    return torch.cat([situation, tell_stock(topology, stock, rate)], dim=-1)


def test_training_is_told_what_a_review_would_be_told():
    chance = torch.Generator().manual_seed(3)
    some = world(11, items=20).instances(0.976)
    stock = some_stock(some, TREE, chance)
    nodes = [f"N{n}" for n in range(TREE.nodes)]
    here = encode(states(TREE, some, stock, nodes))
    there = told(TREE, some, stock).transpose(0, 1).flatten(0, 1).numpy()
    asked = (there < 1e8).all(axis=1) & np.isfinite(there).all(axis=1)
    assert asked.sum() > 100
    for k, name in enumerate(NAMES):
        np.testing.assert_allclose(
            there[asked, k], here[asked, k], rtol=2e-4, atol=2e-4, err_msg=name
        )


def test_the_level_told_leads_to_the_order_that_was_meant_in_whole_lots():
    chance = torch.Generator().manual_seed(4)
    some = world(12, items=30).instances(0.984)
    stock = some_stock(some, TREE, chance)
    network = CappedBaseStock()
    normalise(network, (DISTRIBUTION,), chance)
    with torch.no_grad():
        meant = whole_lots(ordering(network, TREE, some)(stock), some)
        features = told(TREE, some, stock)
        level, mean, log_std = (
            each.view(some.mean.shape) for each in network(features.flatten(0, 1))
        )
        situation, rate = tell(TREE, some)
        position = network.position(situation, features[..., situation.shape[-1] :]) * rate
    short = level * rate - position
    rules = lot_rules(
        minimum=some.minimum.double().numpy().ravel(),
        multiple=some.lot.double().numpy().ravel(),
        fixed=some.fixed.double().numpy().ravel(),
        maximum=np.full(some.mean.numel(), np.inf),
        step=np.ones(some.mean.numel()),
    )
    lots = rules.up(short.double().numpy().ravel(), 0.5).reshape(meant.shape)
    asked = (some.mean > 0).numpy()
    assert (meant > 0).sum() > 20
    assert (lots == meant.numpy())[asked].mean() > 0.99
    torch.testing.assert_close(mean, torch.log(torch.clamp(level, min=1e-3)))
    assert torch.isfinite(log_std).all()


def greedy(bias):
    """Return a network that wants far too much, and caps an order by `bias`."""
    network = CappedBaseStock()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([6.0, bias]))
    return network


def test_a_network_for_a_site_keeps_to_position_cap_and_collar():
    chance = torch.Generator().manual_seed(14)
    some = world(14, items=40).instances(0.99)
    stock = some_stock(some, TREE, chance)
    free, bound = greedy(1e6), greedy(1e6)
    bound.bounds = Bounds(sigmas=2.0, times=1.5, collar=2.0)
    with torch.no_grad():
        begun = bound.begin(tell(TREE, some)[0])
        rate = tell(TREE, some)[1]
        wanted, left = (ordering(each, TREE, some)(stock) / rate for each in (free, bound))
        position = bound.position(tell(TREE, some)[0], tell_stock(TREE, stock, rate))
    some_rows = some.mean > 0
    collar = 2.0 * torch.clamp(begun.classical - position, min=1.0) + begun.smallest
    allowed = torch.clamp(torch.minimum(begun.room - position, collar), min=0.0)
    assert bool((wanted > left + 1.0)[some_rows].any())
    assert bool((left <= allowed + 1e-3)[some_rows].all())
    torch.testing.assert_close(left[some_rows], allowed[some_rows], rtol=1e-3, atol=1e-3)


def test_a_cap_below_the_smallest_lot_does_not_starve_the_item():
    """Half of the smallest lot is where an order begins: a smaller cap would never order."""
    some = world(15, items=40).instances(0.99)
    empty = some_stock(some, TREE, torch.Generator().manual_seed(15)).each(torch.zeros_like)
    network = greedy(-20.0)  # caps every order at next to nothing
    with torch.no_grad():
        orders = whole_lots(ordering(network, TREE, some)(empty), some)
    central = some.mean.sum(dim=1) > 0
    assert bool((some.minimum[central, 0] > 0).all())
    assert bool((orders[central, 0] >= some.minimum[central, 0]).all())


def test_a_few_minutes_of_hindsight_beat_the_classical_level():
    torch.manual_seed(5)
    network = CappedBaseStock(width=16, depth=2)
    seen = []
    recipe = Recipe(chains=256, window=30, updates=120, average=0.95)
    learner = Learner(recipe, network, (LOST_SALES,))
    follow(learner, lambda _, cost: seen.append(cost))
    kept = learner.kept
    untrained = CappedBaseStock(width=16, depth=2)
    untrained.load_state_dict(kept.state_dict())
    with torch.no_grad():
        untrained.head.weight.zero_()
        untrained.head.bias.copy_(torch.tensor([0.0, 20.0]))  # no cap: plain base-stock
    some = instances(TABLE)
    measure = {"chains": 200, "periods": 300, "skip": 100, "seed": 8}
    learned, plain = (costs_of(each, some, **measure).mean(dim=1) for each in (kept, untrained))
    assert len(seen) == 120
    assert (learned < plain).sum() >= 3
    assert float((learned / torch.tensor(TABLE[("poisson", 2)])).mean()) < 1.05


def test_the_same_recipe_gives_the_same_weights():
    def once():
        torch.manual_seed(6)
        recipe = Recipe(chains=64, window=20, updates=4)
        learner = Learner(recipe, CappedBaseStock(width=8, depth=2), (LOST_SALES,))
        follow(learner, lambda *_: None)
        return learner.kept

    first, second = once().state_dict(), once().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_shipped_run_orders_in_a_review_what_it_ordered_in_the_twin(tmp_path):
    network = CappedBaseStock()
    chance = torch.Generator().manual_seed(9)
    normalise(network, (DISTRIBUTION,), chance)
    bundle = ship(
        network,
        DISTRIBUTION,
        Identity(
            policy_id="test", version="1", created_on=date(2026, 11, 24),
            expires_on=date(2027, 11, 24), connector_minimum="0.1.0",
        ),
        Ed25519PrivateKey.generate(),
        tmp_path / "bundle",
        recipe={"seed": 1},
        evaluation={"figure": 1.0},
        tell_user=lambda _: None,
    )  # fmt: skip
    some = world(13, items=20).instances(0.984)
    stock = some_stock(some, TREE, chance)
    nodes = [f"N{n}" for n in range(TREE.nodes)]
    state = states(TREE, some, stock, nodes)
    advice = OnnxPolicy(bundle=bundle).recommend(state)
    with torch.no_grad():
        meant = ordering(network, TREE, some)(stock)
        expected = asked_for(meant, some.steps[0]).T.flatten().numpy()
    answered = ~advice.fell_back
    assert answered.sum() > 80
    np.testing.assert_allclose(advice.quantity[answered], expected[answered], rtol=2e-3, atol=2e-2)


def test_an_instance_is_not_changed_by_being_taken():
    one = poisson_or_geometric(5.0, is_poisson=True, lead_time=2, shortage=9.0)
    both = one.joined(replace(one, mean=one.mean * 2))
    assert both.take(torch.tensor([1])).mean.item() == 10.0
    assert float(torch.sqrt(one.variance)) == pytest.approx(math.sqrt(5.0))
    assert SINGLE.is_single_echelon
