"""Documents that other people made by hand: what a real system is full of.

Some are open and belong into the pipeline, others look open and do not: deleted, closed, blocked,
for consumption (account assignment K), a return. They stand there when the clock opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.sandbox.documents import FIRST_ORDER, LINE_STEP
from connector.sandbox.filing import NewLine, append_requisition
from connector.twin.scenario import CENTRAL, GROUPS, UNITS

if TYPE_CHECKING:
    from connector.sandbox.world import World

CLERK = "MUELLER"
CONSUMED = "K"
DELETED = "L"


@dataclass(frozen=True, kw_only=True)
class _Order:
    """One purchase order line by hand. Times are days from now."""

    item: int
    quantity: float
    due: int
    arrives: int = 0  # 0 = never
    account: str = ""
    deleted: bool = False
    returned: bool = False
    expected: bool = True


def place(world: World) -> None:
    """Put the clerk's documents into the world as it stands."""
    _requisitions(world)
    for order in (
        _Order(item=4, quantity=60.0, due=6, arrives=9),
        _Order(item=5, quantity=35.0, due=-4, arrives=5),  # past due
        _Order(item=6, quantity=24.0, due=3, account=CONSUMED, expected=False),
        _Order(item=0, quantity=5.0, due=2, returned=True),
        _Order(item=1, quantity=500.0, due=4, deleted=True),
    ):
        _order(world, order)


def _requisitions(world: World) -> None:
    facts, nodes = world.scenario, world.scenario.nodes

    def line(item: int, quantity: float, **facts_of_it: Any) -> NewLine:
        usual: dict[str, Any] = {
            "line": LINE_STEP,
            "cell": item % facts.items * nodes + CENTRAL,
            "due": world.today + 20,
            "group": GROUPS[1],
            "requisitioner": CLERK,
            "fixed": True,
            "release_in": 14,
        }
        return NewLine(**{**usual, "quantity": quantity, **facts_of_it})

    regional = 4 % facts.items * nodes + nodes - 1
    standing = (
        line(2, 40.0),
        line(3, 20.0, release_in=9),
        line(4, 30.0, cell=regional, supplying=CENTRAL if nodes > 1 else -1),
        line(5, 100.0, closed=True),
        line(6, 80.0, blocked=True),
        line(0, 12.0, account=CONSUMED),
        line(1, 900.0),
    )
    for each in standing:
        number = world.documents.take_number()
        append_requisition(
            world, number, [each], document_type="NB", description="", by=CLERK, filed=False
        )
    world.documents.requisitions["deleted"][-1] = True


def _order(world: World, order: _Order) -> None:
    documents = world.documents
    item = order.item % world.scenario.items
    cell = item * world.scenario.nodes + CENTRAL
    row = _order_line(world, order, item)
    documents.schedule.append(
        1, order_line=row, line=1, due=world.today + order.due, quantity=order.quantity
    )
    if order.arrives:
        world.on_order[cell] += order.quantity
        documents.deliveries.append(
            1,
            order_line=row,
            due=world.today + order.arrives,
            quantity=order.quantity,
            last=True,
            done=False,
        )


def _order_line(world: World, order: _Order, item: int) -> int:
    """Add header and line of a purchase order made by hand; return the line's row."""
    documents, facts = world.documents, world.scenario
    say = documents.words.number
    head = documents.orders.append(
        1,
        number=FIRST_ORDER + len(documents.orders),
        created=world.today - 3,
        vendor=facts.vendor[item],
        creator=say(CLERK),
        group=say(GROUPS[1]),
    )
    return documents.order_lines.append(
        1,
        number=documents.orders["number"][head],
        line=LINE_STEP,
        order=head,
        cell=item * facts.nodes + CENTRAL,
        quantity=order.quantity,
        factor=1.0,
        unit=say(UNITS[facts.unit[item]]),
        received=0.0,
        requisition=-1,
        deleted=say(DELETED) if order.deleted else 0,
        account=say(order.account),
        complete=False,
        returned=order.returned,
        expected=order.expected,
    )
