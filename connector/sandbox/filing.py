"""New requisitions into the table, whoever made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from connector.sandbox.documents import LINE_STEP
from connector.twin.scenario import Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from connector.sandbox.world import World

RELEASE_LIMIT = 25_000.0  # money; a dearer line waits a day for its release
MADE_BY_PLANNING = "B"
MADE_BY_HAND = "R"
_TEXTS = (
    "group",
    "tracking",
    "requisitioner",
    "text",
    "account",
    "storage",
    "reference",
    "line_reference",
)


@dataclass(frozen=True, kw_only=True)
class NewLine:
    """One requisition line as it was asked for."""

    line: int
    cell: int
    quantity: float
    due: int
    group: str
    supplying: int = -1  # node
    tracking: str = ""
    requisitioner: str = ""
    text: str = ""
    storage: str = ""
    reference: str = ""
    line_reference: str = ""
    account: str = ""
    fixed: bool = False
    closed: bool = False
    blocked: bool = False
    release_in: int = 0  # days it waits at least before buyers convert it


def append_requisition(
    world: World,
    number: int,
    lines: list[NewLine],
    *,
    document_type: str,
    description: str,
    by: str,
    filed: bool = True,
) -> int:
    """Add one document's lines, in line order, and return the first row."""
    say = world.documents.words.number
    ordered = sorted(lines, key=lambda each: each.line)
    cells = np.asarray([each.cell for each in ordered], dtype=np.int64)
    quantity = np.asarray([each.quantity for each in ordered])
    released = released_on(world, cells, quantity)
    waits = world.today + np.asarray([each.release_in for each in ordered])
    return world.documents.requisitions.append(
        len(ordered),
        **unchanging(world, number=number, by=by, document_type=document_type),
        line=[each.line for each in ordered],
        cell=cells,
        quantity=quantity,
        due=[each.due for each in ordered],
        released=np.maximum(released, waits),
        supplying=[each.supplying for each in ordered],
        description=say(description),
        origin=say(MADE_BY_HAND),
        **{name: [say(getattr(each, name)) for each in ordered] for name in _TEXTS},
        fixed=[each.fixed for each in ordered],
        closed=[each.closed for each in ordered],
        blocked=[each.blocked for each in ordered],
        filed=filed,
    )


def append_planned(
    world: World, cells: Ints, quantity: Floats, *, due: Ints, supplying: Ints, group: Ints
) -> None:
    """Add what the ERP's planning proposes: one requisition per line, as its planning run does."""
    first = world.documents.next_requisition
    world.documents.next_requisition += len(cells)
    say = world.documents.words.number
    world.documents.requisitions.append(
        len(cells),
        **unchanging(world, number=first + np.arange(len(cells)), by="MRPRUN", document_type="NB"),
        line=LINE_STEP,
        cell=cells,
        quantity=quantity,
        due=due,
        released=released_on(world, cells, quantity),
        supplying=supplying,
        group=group,
        origin=say(MADE_BY_PLANNING),
        fixed=False,
        closed=False,
        blocked=False,
        filed=False,
        description=0,
        **{name: 0 for name in _TEXTS if name != "group"},
    )


def unchanging(
    world: World, *, number: ArrayLike, by: str, document_type: str
) -> dict[str, ArrayLike]:
    """Return the columns every new requisition starts with."""
    say = world.documents.words.number
    return {
        "number": number,
        "created": world.today,
        "creator": say(by),
        "document_type": say(document_type),
        "ordered": 0.0,
        "deleted": False,
        "order_line": -1,
    }


def released_on(world: World, cells: Ints, quantity: Floats) -> Ints:
    """Return the day from which each line may be converted: dear ones need a signature first."""
    value = quantity * world.scenario.price[world.scenario.item[cells]]
    return np.where(value > RELEASE_LIMIT, world.today + 1, world.today)
