"""The mailbox through which commands reach the one process that may write.

A command is one small JSON file that appears whole in `inbox/`; its answer appears whole in
`outbox/` under the same name. Nothing else is read, nothing in it is trusted, and what is not
understood is refused by name.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from connector.errors import CommandRefused, LedgerUnavailable, ReplenishError
from connector.ledger.files import replace_durably
from connector.ports import Clock

OCTETS_MAX = 16_384
COMMANDS_MAX = 100  # in one pass
ANSWERS_MAX = 1_000  # the oldest are removed beyond
_NAME = re.compile(r"[0-9A-Za-z-]{8,80}\.json")
_WAIT_SECONDS = 0.1

Verb = Literal["approve", "reject", "halt", "resume", "rearm", "write_off", "adopt", "accept"]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person asked for. Fields a verb does not need stay empty."""

    verb: Verb
    site: str
    who: str
    at: datetime
    line: str = ""  # approve, reject, write_off, adopt: key or hash
    node: str = ""  # rearm
    why: str = ""  # reject, halt, write_off, accept
    number: str = ""  # adopt
    number_line: str = ""  # adopt


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of it."""

    done: bool
    message: str
    hint: str = ""


Execute = Callable[[Command], str]  # returns the sentence to answer; raises ReplenishError


@dataclass(frozen=True)
class Mailbox:
    """A control directory, from both sides."""

    control: Path

    @property
    def inbox(self) -> Path:
        """Return where commands wait."""
        return self.control / "inbox"

    @property
    def outbox(self) -> Path:
        """Return where answers wait."""
        return self.control / "outbox"

    def prepare(self) -> None:
        """Make the directories, for the service's own user only."""
        for directory in (self.control, self.inbox, self.outbox):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def send(self, name: str, command: Command) -> None:
        """Put a command into the inbox under a name nobody used."""
        path = self.inbox / f"{name}.json"
        if not _NAME.fullmatch(f"{name}.json"):
            msg = f"{name!r} cannot name a command"
            raise CommandRefused(msg, hint="8 to 80 letters, digits and '-'")
        try:
            replace_durably(path, msgspec.json.encode(command))
        except OSError as error:
            msg = f"{path}: the command cannot be left: {error}"
            raise CommandRefused(msg, hint="run as the daemon's user") from error

    def wait(self, name: str, *, clock: Clock, seconds: float) -> Answer:
        """Return the answer, or raise CommandRefused when none came in time."""
        until = clock.monotonic() + seconds
        path = self.outbox / f"{name}.json"
        while True:
            if path.exists():
                return _take(path)
            if clock.monotonic() >= until:
                msg = f"no answer after {seconds:.0f} s; the command still waits in {self.inbox}"
                raise CommandRefused(msg, hint="look at the daemon's log")
            clock.sleep(_WAIT_SECONDS)

    def serve(self, execute: Execute) -> int:
        """Carry out what waits, oldest name first; return how many commands were answered.

        A command is removed after its answer stands: a crash in between runs it again, and the
        ledger refuses what is done already. Raises LedgerUnavailable when no answer can be left.
        """
        try:
            waiting = self._waiting()
            for path in waiting:
                answer = self._answer(path, execute)
                replace_durably(self.outbox / path.name, msgspec.json.encode(answer))
                path.unlink(missing_ok=True)
            self._forget()
        except OSError as error:
            msg = f"{self.control}: a command cannot be answered: {error}"
            raise LedgerUnavailable(msg, hint="free space, check owner and mode") from error
        return len(waiting)

    def _waiting(self) -> list[Path]:
        """Return the oldest commands; a directory can be none and is left alone."""
        named = (path for path in self.inbox.glob("*.json") if _NAME.fullmatch(path.name))
        return sorted(path for path in named if path.is_symlink() or not path.is_dir())[
            :COMMANDS_MAX
        ]

    def _answer(self, path: Path, execute: Execute) -> Answer:
        try:
            command = msgspec.json.decode(_read(path), type=Command)
            return Answer(done=True, message=execute(command))
        except msgspec.MsgspecError as error:
            return Answer(done=False, message=f"not a command: {error}")
        except OSError as error:
            return Answer(done=False, message=f"the command cannot be read: {error}")
        except ReplenishError as error:
            return Answer(done=False, message=error.args[0], hint=error.hint)

    def _forget(self) -> None:
        """Remove the oldest answers nobody came for."""
        answers = sorted(self.outbox.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in answers[: max(0, len(answers) - ANSWERS_MAX)]:
            path.unlink(missing_ok=True)


def _take(path: Path) -> Answer:
    """Return an answer and remove it."""
    try:
        answer = msgspec.json.decode(_read(path), type=Answer)
        path.unlink()
    except (OSError, msgspec.MsgspecError) as error:
        msg = f"{path}: the answer cannot be read: {error}"
        raise CommandRefused(msg, hint="look at the daemon's log for what was done") from error
    return answer


def _read(path: Path) -> bytes:
    """Return a small regular file's bytes: no link, no pipe, nothing endless."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            msg = "it is not a regular file"
            raise OSError(msg)
        if facts.st_size > OCTETS_MAX:
            msg = f"it has {facts.st_size} octets; at most {OCTETS_MAX} are read"
            raise OSError(msg)
        return os.read(descriptor, OCTETS_MAX)
    finally:
        os.close(descriptor)
