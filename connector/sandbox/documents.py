"""The tables of business documents: requisitions, orders, deliveries, goods movements.

Rows refer to each other by position. Days are proleptic ordinals, quantities base units unless a
comment says otherwise, texts are numbers into one shared vocabulary (`Words`).
"""

from __future__ import annotations

from datetime import date

from connector.sandbox.rows import Rows, Words

FIRST_REQUISITION = 10_000_001
FIRST_ORDER = 4_500_000_001
FIRST_MATERIAL_DOCUMENT = 4_900_000_001
FIRST_DELIVERY = 180_000_001
LINE_STEP = 10

RECEIPT, RECEIPT_REVERSED = 101, 102
ISSUE, ISSUE_REVERSED = 601, 602
TRANSFER_ISSUE = 641


def requisitions() -> Rows:
    """Return an empty table of requisition lines."""
    return Rows(
        number="i8",
        line="i4",
        cell="i4",
        quantity="f8",
        ordered="f8",  # already turned into an order or a transfer
        due="i4",
        created="i4",
        released="i4",  # the day from which buyers may convert it
        supplying="i2",  # node, -1 = bought outside
        document_type="i4",
        description="i4",
        group="i4",
        tracking="i4",
        requisitioner="i4",
        creator="i4",
        text="i4",
        origin="i4",
        account="i4",
        storage="i4",
        reference="i4",
        line_reference="i4",
        fixed="?",
        deleted="?",
        closed="?",
        blocked="?",
        filed="?",  # came through the API
        order_line="i4",  # row in order_lines, -1 = none yet
    )


def order_lines() -> Rows:
    """Return an empty table of purchase order lines."""
    return Rows(
        number="i8",
        line="i4",
        order="i4",  # row in orders
        cell="i4",
        quantity="f8",  # in the order unit
        factor="f8",  # base units per order unit
        unit="i4",
        received="f8",
        requisition="i4",  # row in requisitions, -1 = ordered directly
        deleted="i4",
        account="i4",
        complete="?",
        returned="?",
        expected="?",  # goods receipt is expected
    )


def movement_lines() -> Rows:
    """Return an empty table of goods movements."""
    return Rows(
        movement="i4",  # row in movements
        line="i2",
        cell="i4",
        kind="i2",  # movement type
        quantity="f8",
        order_line="i4",
        partner="i2",  # node at the other end, -1 = none
        reverses="i4",  # row in movement_lines, -1 = nothing
        cancelled="?",
        final="?",  # this receipt completes the order line
    )


class Documents:
    """Every document of a world, in the order they were made."""

    def __init__(self) -> None:
        self.words = Words()
        self.requisitions = requisitions()
        self.orders = Rows(number="i8", created="i4", vendor="i4", creator="i4", group="i4")
        self.order_lines = order_lines()
        self.schedule = Rows(order_line="i4", line="i4", due="i4", quantity="f8")
        self.deliveries = Rows(order_line="i4", due="i4", quantity="f8", last="?", done="?")
        self.shipments = Rows(
            cell="i4", source="i2", due="i4", quantity="f8", requisition="i4", done="?"
        )
        self.movements = Rows(created="i4", posted="i4", code="i2")  # material document headers
        self.movement_lines = movement_lines()
        self.next_requisition = FIRST_REQUISITION

    def take_number(self) -> int:
        """Return the next requisition number, which is then used up."""
        number = self.next_requisition
        self.next_requisition += 1
        return number


def day_text(day: int) -> str:
    """Return an ordinal day as YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()
