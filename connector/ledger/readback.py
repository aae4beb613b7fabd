"""Read-your-writes: what was filed must be seen again, or a person hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from connector.ledger.conduct import Finder, Outside, Tally
from connector.ledger.lines import Line, Move, State, in_states, move
from connector.ledger.matching import sight
from connector.ledger.moments import moment
from connector.ledger.resolve import batches, found_by_key
from connector.ports import FiledLine

_STANDING = (State.FILED, State.CONFIRMED, State.MISSING)


def confirm(outside: Outside, site: str, visible: pl.DataFrame | None, tally: Tally) -> None:
    """Read back every line that stands in the ERP; raise ErpUnavailable.

    `visible` (PIPELINE, of the newest pull) spares a look for each line it shows as its own open
    requisition; only the others are asked for by key.
    """
    lines = in_states(outside.store, site, _STANDING)
    shown = _shown(lines, visible)
    now = outside.clock.now()
    seen = [line for line in lines if line.key in shown and line.state != State.CONFIRMED]
    moves = [Move(line=line, to=State.CONFIRMED, reason="seen in the pipeline") for line in seen]
    _write(outside, moves, now, tally)
    for mode in sorted({line.mode for line in lines}):
        finder = outside.finder_for(mode)
        asked = [line for line in lines if line.mode == mode and line.key not in shown]
        if finder is None and asked:
            tally.notes.append(f"{len(asked)} lines filed in {mode} were not read back")
        elif finder is not None:
            _look(outside, finder, asked, tally)


def _look(outside: Outside, finder: Finder, lines: Sequence[Line], tally: Tally) -> None:
    for batch in batches(lines, outside.conduct.find_keys):
        found = found_by_key(finder, [line.key for line in batch])
        now = outside.clock.now()
        judged = [_judge(outside, line, found[line.key], now) for line in batch]
        _write(outside, [each for each in judged if each is not None], now, tally)


def _judge(outside: Outside, line: Line, found: Sequence[FiledLine], now: datetime) -> Move | None:
    """Return where a line goes by what was found, None when it stays."""
    sighting = sight(line, found)
    if sighting.conflict:
        return Move(line=line, to=State.CONFLICT, reason=sighting.conflict)
    if sighting.there is None:
        return _absent(line, now, timedelta(seconds=outside.conduct.missing_after_seconds))
    there = sighting.there
    quantity = str(there.quantity)
    if there.deleted:
        why = "deleted in the ERP"
        return Move(line=line, to=State.WITHDRAWN, reason=why, erp_quantity=quantity)
    if there.closed or 0 < there.quantity <= there.ordered:
        why = "closed in the ERP" if there.closed else "ordered in full"
        return Move(line=line, to=State.CLOSED, reason=why, erp_quantity=quantity)
    if line.state == State.CONFIRMED:
        return None
    changed = there.quantity != line.quantity
    why = f"read back; a person changed it to {quantity}" if changed else "read back"
    return Move(line=line, to=State.CONFIRMED, reason=why, erp_quantity=quantity)


def _absent(line: Line, now: datetime, patience: timedelta) -> Move | None:
    if line.state == State.MISSING:
        return None
    if line.state == State.FILED and now - moment(line.filed_at) <= patience:
        return None
    why = f"filed as {line.number}/{line.number_line}, and no longer in the ERP"
    return Move(line=line, to=State.MISSING, reason=why)


def _shown(lines: Sequence[Line], visible: pl.DataFrame | None) -> set[str]:
    """Return the keys that a pull shows as open requisitions of the right number, node and item."""
    if visible is None or not lines:
        return set()
    open_ones = visible.filter((pl.col("kind") == "requisition") & (pl.col("tracking") != ""))
    columns = ("tracking", "node", "item", "document", "line")
    shown = {
        (key, node, item, document.lstrip("0"), row.lstrip("0"))
        for key, node, item, document, row in open_ones.select(columns).iter_rows()
    }
    return {
        line.key
        for line in lines
        if (line.key, line.node, line.item, line.number.lstrip("0"), line.number_line.lstrip("0"))
        in shown
    }


def _write(outside: Outside, moves: Sequence[Move], now: datetime, tally: Tally) -> None:
    if not moves:
        return
    with outside.store.write() as write:
        move(write, "read_back", moves, now)
    for each in moves:
        if each.to == State.CONFIRMED:
            tally.confirmed += 1
        else:
            tally.count(each.to, 1)
        if each.to in {State.MISSING, State.CONFLICT}:
            tally.notes.append(f"{each.line.key}: {each.reason}")
