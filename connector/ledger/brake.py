"""What stops every send: a kill file, a person's halt, a tripped node.

The kill file works from outside the process and needs nothing of it: `touch control/KILL`. When
the control directory cannot be read nobody could be heard, so that stops too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.errors import CommandRefused
from connector.ledger import journal
from connector.ledger.moments import moment, stamp
from connector.ledger.store import Store

KILL_NAME = "KILL"


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Somebody stopped the sending and nobody lifted it yet."""

    site: str  # "" = every site of this ledger
    at: datetime
    who: str
    why: str


class Brake:
    """Asked before every send; an empty answer is the only one that lets it through."""

    def __init__(self, store: Store, control: Path | None) -> None:
        """Watch a control directory; None = there is none (tests and rehearsals)."""
        self._store = store
        self._control = control

    def reason(self, site: str) -> str:
        """Return why nothing may be sent now, "" when it may."""
        if why := self._killed():
            return why
        standing = self.halts(site)
        if not standing:
            return ""
        first = standing[0]
        return f"halted by {first.who} at {first.at:%Y-%m-%d %H:%M:%S} UTC: {first.why}"

    def halts(self, site: str) -> list[Halt]:
        """Return the halts in force for a site, oldest first."""
        rows = self._store.rows(
            "SELECT site, at, who, why FROM halt"
            " WHERE lifted_at = '' AND site IN (?, '') ORDER BY halt_id",
            (site,),
        )
        return [Halt(site=row[0], at=moment(row[1]), who=row[2], why=row[3]) for row in rows]

    def halt(self, *, site: str, who: str, why: str, now: datetime) -> None:
        """Stop every send of a site ("" = all) from the next one on."""
        _require_name(who)
        with self._store.write() as write:
            write.run(
                "INSERT INTO halt (site, at, who, why) VALUES (?, ?, ?, ?)",
                (site, stamp(now), who, why),
            )
            journal.append(write, "halted", site, now, {"who": who, "why": why})

    def resume(self, *, site: str, who: str, now: datetime) -> int:
        """Lift the halts of a site ("" = the ones for all sites); return how many there were."""
        _require_name(who)
        with self._store.write() as write:
            lifted = write.run(
                "UPDATE halt SET lifted_at = ?, lifted_by = ? WHERE lifted_at = '' AND site = ?",
                (stamp(now), who, site),
            )
            if not lifted:
                msg = f"{site or 'the whole ledger'} is not halted"
                raise CommandRefused(msg, hint="see `replenishd status` for what stands")
            journal.append(write, "resumed", site, now, {"who": who, "lifted": lifted})
        return lifted

    def trip(self, *, site: str, node: str, why: str, now: datetime) -> None:
        """Put a node in shadow: decided and recorded, not posted, until a person re-arms it."""
        with self._store.write() as write:
            if write.run(
                "INSERT INTO breaker VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (site, node, stamp(now), why),
            ):
                journal.append(write, "tripped", site, now, {"node": node, "why": why})

    def rearm(self, *, site: str, node: str, who: str, now: datetime) -> None:
        """Let a tripped node post again, in a person's name."""
        _require_name(who)
        with self._store.write() as write:
            if not write.run("DELETE FROM breaker WHERE site = ? AND node = ?", (site, node)):
                msg = f"{site}/{node} is not tripped"
                raise CommandRefused(msg, hint="see `replenishd status` for what stands")
            journal.append(write, "rearmed", site, now, {"node": node, "who": who})

    def tripped(self, site: str) -> dict[str, str]:
        """Return the nodes in shadow and why."""
        rows = self._store.rows("SELECT node, why FROM breaker WHERE site = ?", (site,))
        return {row[0]: row[1] for row in rows}

    def _killed(self) -> str:
        if self._control is None:
            return ""
        try:
            with os.scandir(self._control) as listing:
                kill = next((entry for entry in listing if entry.name == KILL_NAME), None)
            facts = None if kill is None else kill.stat(follow_symlinks=False)
        except OSError as error:
            return f"the control directory cannot be read: {error}"
        if facts is None:
            return ""
        return f"the kill file {self._control / KILL_NAME} exists (made by uid {facts.st_uid})"


def _require_name(who: str) -> None:
    if not who.strip():
        msg = "nobody is named"
        raise CommandRefused(msg, hint="say who decides this")
