"""How doubt ends: look the key up, wait out the quarantine, look twice, only then send again.

An ERP may store a request after we gave up on it. "Ask, and send again when it is not there" then
files twice; what makes it exact is the quarantine, longer than any request can be on its way, on a
clock that nobody sets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from connector.ledger.conduct import Conduct, Finder, Outside, Tally
from connector.ledger.doubts import (
    Absence,
    Doubt,
    is_overtaken,
    note_absent,
    open_doubts,
    recover,
    restart_quarantine,
    settle_absent,
    settle_conflict,
    settle_found,
)
from connector.ledger.lines import Line, State
from connector.ledger.matching import sight
from connector.ledger.moments import instant, stamp
from connector.ports import FiledLine

Doubtful = tuple[Line, Doubt]
_Row = TypeVar("_Row")


class Resolver:
    """Settles lines in doubt. The small methods are the protocol's decisions."""

    def __init__(self, outside: Outside) -> None:
        """Look and write through these edges."""
        self.outside = outside

    def quarantine_over(self, doubt: Doubt, monotonic: float, conduct: Conduct) -> bool:
        """Tell whether nothing can be stored, and not yet found, from this line's last send."""
        waited = monotonic - doubt.since
        return waited > conduct.quarantine_seconds + conduct.visibility_lag_seconds

    def absent_twice(self, doubt: Doubt, monotonic: float, conduct: Conduct) -> bool:
        """Tell whether this look, that found nothing, is the second of two far enough apart."""
        if doubt.absent_since is None:
            return False
        return monotonic - doubt.absent_since >= conduct.second_look_seconds

    def fate_of_absent(self, line: Line) -> Absence:
        """Decide what becomes of a line that is surely not in the ERP."""
        if line.mode != self.outside.poster.mode:
            why = f"not in the ERP; sent in {line.mode}, now {self.outside.poster.mode}"
            return Absence(line=line, to=State.LAPSED, reason=why)
        if is_overtaken(self.outside.store, line):
            why = "not in the ERP; a later review decided afresh"
            return Absence(line=line, to=State.LAPSED, reason=why)
        conduct = self.outside.conduct
        if conduct.never_repost:
            until = self.outside.clock.now() + timedelta(seconds=conduct.reapproval_seconds)
            why = "not in the ERP; this site sends nothing twice without a person"
            return Absence(line=line, to=State.HELD, reason=why, expires_at=stamp(until))
        return Absence(line=line, to=State.OWED, reason="not in the ERP after its quarantine")

    def recover(self, site: str, tally: Tally) -> None:
        """Put what an earlier process, or a failed commit, left open in doubt."""
        interrupted = recover(self.outside.store, site, instant(self.outside.clock))
        tally.count("interrupted", interrupted)

    def resolve(self, site: str, tally: Tally) -> None:
        """Look every line in doubt up once and settle what can be settled; raise ErpUnavailable."""
        doubtful = self._of_this_boot(site)
        for finder, some in self._by_finder(doubtful, tally):
            for batch in batches(some, self.outside.conduct.find_keys):
                self._look(finder, batch, tally)

    def next_look_seconds(self, site: str) -> float | None:
        """Return the seconds until a look can settle something, None when nothing is in doubt."""
        conduct, now = self.outside.conduct, self.outside.clock.monotonic()
        quarantine = conduct.quarantine_seconds + conduct.visibility_lag_seconds
        waits = []
        for _, doubt in open_doubts(self.outside.store, site):
            same_boot = doubt.boot_id == self.outside.clock.boot_id()
            due = (doubt.since if same_boot else now) + quarantine
            if same_boot and doubt.absent_since is not None:
                due = doubt.absent_since + conduct.second_look_seconds
            waits.append(max(0.0, due - now))
        return min(waits, default=None)

    def _of_this_boot(self, site: str) -> list[Doubtful]:
        clock, store = self.outside.clock, self.outside.store
        boot = clock.boot_id()
        other = [doubt.key for _, doubt in open_doubts(store, site) if doubt.boot_id != boot]
        if other:
            restart_quarantine(store, other, instant(clock))
        return open_doubts(store, site)

    def _by_finder(
        self, doubtful: Sequence[Doubtful], tally: Tally
    ) -> Iterator[tuple[Finder, list[Doubtful]]]:
        modes = sorted({line.mode for line, _ in doubtful})
        for mode in modes:
            some = [each for each in doubtful if each[0].mode == mode]
            finder = self.outside.finder_for(mode)
            if finder is None:
                tally.in_doubt += len(some)
                tally.notes.append(f"{len(some)} lines in doubt were sent in {mode}: not looked up")
            else:
                yield finder, some

    def _look(self, finder: Finder, batch: Sequence[Doubtful], tally: Tally) -> None:
        """Look once. The quarantine is judged at the moment before the question was asked."""
        asked = self.outside.clock.monotonic()
        found = found_by_key(finder, [line.key for line, _ in batch])
        ours: list[tuple[Line, FiledLine]] = []
        conflicts: list[tuple[Line, str]] = []
        absent: list[Doubtful] = []
        for line, doubt in batch:
            sighting = sight(line, found[line.key])
            if sighting.conflict:
                conflicts.append((line, sighting.conflict))
            elif sighting.there is not None:
                ours.append((line, sighting.there))
            else:
                absent.append((line, doubt))
        now = self.outside.clock.now()
        settle_found(self.outside.store, ours, now)
        settle_conflict(self.outside.store, conflicts, now)
        tally.filed += len(ours)
        tally.count("conflict", len(conflicts))
        tally.notes += [f"{line.key}: {why}" for line, why in conflicts]
        self._absent(absent, asked, tally)

    def _absent(self, absent: Sequence[Doubtful], asked: float, tally: Tally) -> None:
        conduct, clock = self.outside.conduct, self.outside.clock
        over = [each for each in absent if self.quarantine_over(each[1], asked, conduct)]
        gone = [line for line, doubt in over if self.absent_twice(doubt, asked, conduct)]
        once = [line.key for line, doubt in over if doubt.absent_since is None]
        note_absent(self.outside.store, once, monotonic=clock.monotonic())
        fates = [self.fate_of_absent(line) for line in gone]
        settle_absent(self.outside.store, fates, clock.now())
        for fate in fates:
            tally.count(f"absent_{fate.to}", 1)
        tally.in_doubt += len(absent) - len(gone)


def found_by_key(finder: Finder, keys: Sequence[str]) -> dict[str, list[FiledLine]]:
    """Return what the ERP has under each key, an empty list where it has nothing."""
    found: dict[str, list[FiledLine]] = defaultdict(list)
    for each in finder.find(keys):
        found[each.key].append(each)
    return found


def batches(rows: Sequence[_Row], most: int) -> Iterator[Sequence[_Row]]:
    """Return rows in pieces of at most `most`."""
    for at in range(0, len(rows), most):
        yield rows[at : at + most]
