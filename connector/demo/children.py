"""The demo's two processes, the sandbox and the daemon: started, watched, always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from connector.errors import ReplenishError
from connector.ports import Clock

_POLL_SECONDS = 0.05
_TAIL_OCTETS = 65_536
_LINE_MOST = 300  # characters of a log line that a person gets to read


class Child:
    """One process with its log. Leaving the `with` block ends it, whatever happened inside."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start the command in its own session, its output in `log`."""
        self.name = name
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                [sys.executable, "-m", "connector.demo.tether", str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo only, which ends them in order
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def require_alive(self) -> None:
        """Raise when the process has ended by itself."""
        code = self._process.poll()
        if code is not None:
            raise self.failed(f"ended by itself with code {code}")

    def failed(self, what: str) -> ReplenishError:
        """Return the error to raise: what happened, its last words, where to read more."""
        words = last_words(self.log)
        said = f'; its last words: "{words}"' if words else ""
        return ReplenishError(f"the {self.name} {what}{said}", hint=f"read {self.log}")

    def hang_up(self) -> None:
        """Ask it to read its configuration again."""
        self.require_alive()
        self._process.send_signal(signal.SIGHUP)

    def stop(self, seconds: float) -> int:
        """Ask it to leave, insist after `seconds`, and return its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def __enter__(self) -> Self:
        """Nothing more to start."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it; quickly when something went wrong."""
        self.stop(5.0 if kind is None else 2.0)


def wait_until(
    done: Callable[[], bool],
    *,
    what: str,
    seconds: float,
    clock: Clock,
    children: Sequence[Child],
) -> None:
    """Wait until `done`, or raise: a child ended, or it took longer than `seconds`."""
    begun = clock.monotonic()
    while not done():
        for child in children:
            child.require_alive()
        if clock.monotonic() - begun > seconds:
            raise children[-1].failed(f"took longer than {seconds:.0f} s to {what}")
        clock.sleep(_POLL_SECONDS)


def last_words(log: Path) -> str:
    """Return the last line that says something went wrong, else the last line; "" if none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_OCTETS))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    said = [text for text in map(_sentence, lines) if text]
    bad = [text for line, text in zip(lines, map(_sentence, lines), strict=True) if _is_bad(line)]
    return next(iter((bad or said)[-1:]), "")


def _sentence(line: str) -> str:
    """Return a log line as a person reads it: the event and its error, or the line itself."""
    fields = _fields(line)
    if fields is None:
        text = line.strip()
    else:
        parts = [str(fields[name]) for name in ("event", "error", "detail") if fields.get(name)]
        text = ": ".join(parts)
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_LINE_MOST]


def _is_bad(line: str) -> bool:
    fields = _fields(line)
    if fields is None:
        return "Error" in line
    return fields.get("level") in {"error", "critical"}


def _fields(line: str) -> dict[str, object] | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
