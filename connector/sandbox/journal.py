"""What came in through the API, kept on disk: a killed stand-in comes back as it was.

The world follows from its options, so only outside events are written, one JSON line each, before
they are answered; on start they are lived through again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from connector.errors import LedgerUnavailable
from connector.sandbox.documents import day_text
from connector.sandbox.filing import NewLine
from connector.sandbox.judge import Judged
from connector.sandbox.world import World
from connector.twin.scenario import WorldOptions


class Journal:
    """The only way in which the outside changes a world."""

    def __init__(self, world: World, file: Path | None) -> None:
        """Open the state file, if any, and live through what it holds."""
        self.world = world
        self.filed: list[dict[str, Any]] = []  # the ledger: one record per line ever filed
        self.phantoms: list[int] = []  # numbers that were answered and never stored
        self._file: BinaryIO | None = None
        if file is not None:
            for event in _events(file, world.scenario.options):
                self._live(event)
            self._file = file.open("ab", buffering=0)
            if file.stat().st_size == 0:
                self._write({"event": "world", **_options(world.scenario.options)})

    def close(self) -> None:
        """Close the state file."""
        if self._file is not None:
            self._file.close()

    def file(self, judged: Judged, *, by: str) -> int:
        """Store a requisition and return its number. Asked twice, it stores twice."""
        event = {
            "event": "filed",
            "number": self.world.documents.next_requisition,
            "by": by,
            "type": judged.document_type,
            "description": judged.description,
            "lines": [asdict(line) for line in judged.lines],
        }
        self._write(event)
        return self._live(event)

    def lose(self) -> int:
        """Use up a requisition number without storing anything: the update task failed."""
        number = self.world.documents.next_requisition
        self._write({"event": "phantom", "number": number})
        return self._live({"event": "phantom", "number": number})

    def delete(self, number: int, line: int) -> bool:
        """Mark a requisition line as deleted. Returns False when there is none."""
        if len(self.world.requisition_rows(number)) == 0:
            return False
        event = {"event": "deleted", "number": number, "line": line}
        self._write(event)
        return self._live(event) > 0

    def advance(self) -> None:
        """Live through one day."""
        self._write({"event": "advanced"})
        self._live({"event": "advanced"})

    def switch_planning(self, plant: str, *, on: bool) -> bool:
        """Let the ERP plan a plant or not. Returns False for an unknown plant."""
        if plant not in self.world.scenario.plants:
            return False
        event = {"event": "planning", "plant": plant, "on": on}
        self._write(event)
        return self._live(event) > 0

    def ledger(self) -> dict[str, Any]:
        """Return the account from the ERP's side: what was filed, by whom, how many times."""
        times = Counter(each["key"] for each in self.filed if each["key"])
        table = self.world.documents.requisitions
        lines = []
        for each in self.filed:
            rows = self.world.requisition_rows(each["number"])
            row = rows[table["line"][rows] == each["line"]][0]
            state = {
                "ordered": float(table["ordered"][row]),
                "deleted": bool(table["deleted"][row]),
                "times": times.get(each["key"], 1),
            }
            lines.append({**each, **state, "number": f"{each['number']:010d}"})
        return {
            "lines": lines,
            "documents": len({each["number"] for each in self.filed}),
            "duplicates": sorted(key for key, count in times.items() if count > 1),
            "phantoms": [f"{number:010d}" for number in self.phantoms],
        }

    def _write(self, event: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    def _live(self, event: Mapping[str, Any]) -> int:
        """Let one event happen; return the number it used or how much it changed."""
        kind = event["event"]
        if kind == "advanced":
            self.world.advance()
            return 1
        if kind == "planning":
            return int(self.world.switch_planning(event["plant"], on=event["on"]))
        if kind == "deleted":
            return int(self.world.delete_line(event["number"], event["line"]))
        if kind == "phantom":
            self.phantoms.append(self.world.documents.take_number())
            return self.phantoms[-1]
        return self._live_filed(event)

    def _live_filed(self, event: Mapping[str, Any]) -> int:
        lines = [NewLine(**line) for line in event["lines"]]
        number = self.world.file(
            lines, document_type=event["type"], description=event["description"], by=event["by"]
        )
        if number != event["number"]:
            msg = f"the state file says requisition {event['number']}, this world gives {number}"
            raise LedgerUnavailable(msg, hint="the state belongs to another version; start afresh")
        facts = self.world.scenario
        self.filed += [
            {
                "key": line.tracking,
                "number": number,
                "line": line.line,
                "description": event["description"],
                "plant": facts.plants[facts.node[line.cell]],
                "material": facts.materials[facts.item[line.cell]],
                "supplying_plant": facts.plants[line.supplying] if line.supplying >= 0 else "",
                "quantity": line.quantity,
                "by": event["by"],
                "day": day_text(self.world.today),
            }
            for line in lines
        ]
        return number


def _options(options: WorldOptions) -> dict[str, Any]:
    return {**asdict(options), "first_day": options.first_day.isoformat()}


def _events(file: Path, options: WorldOptions) -> Iterator[dict[str, Any]]:
    """Yield a state file's events; cut a line that a kill tore off."""
    content = file.read_bytes() if file.exists() else b""
    whole, _, torn = content.rpartition(b"\n")
    if torn:
        os.truncate(file, len(content) - len(torn))
    if not whole:
        return
    first, *others = (orjson.loads(line) for line in whole.splitlines())
    if first != {"event": "world", **_options(options)}:
        msg = f"the state file {file.name} belongs to another world: {first}"
        raise LedgerUnavailable(msg, hint="use the options it was made with, or another file")
    yield from others
