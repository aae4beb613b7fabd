"""Log lines: one JSON object each, one review bound, no secret, no way to forge a line."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType
from typing import Any, TextIO

import structlog

from connector.telemetry.redaction import Redactor

# Libraries whose DEBUG would show request headers and bodies, and the least they may say.
LIBRARIES = MappingProxyType(
    {
        "apscheduler": logging.INFO,
        "apscheduler.executors": logging.WARNING,  # at INFO it says two lines per wake-up
        "apscheduler.scheduler": logging.ERROR,  # it warns of every wake-up during a review
        "asyncio": logging.INFO,
        "pyodata": logging.INFO,
        "urllib3": logging.INFO,
        "uvicorn": logging.INFO,
        "uvicorn.error": logging.INFO,
    }
)
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_LINES = {code: shown for code, shown in _CONTROL.items() if chr(code) not in "\n\t"}

Event = MutableMapping[str, Any]


def configure(
    *,
    redactor: Redactor,
    level: str = "info",
    stream: TextIO | None = None,
    console: bool | None = None,
    now: Callable[[], datetime] | None = None,
) -> None:
    """Send every log line of this process, ours and the libraries', through one chain.

    JSON on `stream` (standard error by default); readable text only where it is a terminal, unless
    `console` says otherwise. Times are UTC; `now` replaces the machine's clock. May be called
    again: the last call counts.
    """
    out = stream if stream is not None else sys.stderr
    on_console = out.isatty() if console is None else console
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _stamper(now),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _route(_handler(out, _formatter(shared, redactor, console=on_console)), level)


def bind_review(*, site: str, review: str, slot: str = "") -> AbstractContextManager[Any]:
    """Name the review on every line logged inside the block, by libraries too.

    Bound to this thread's context: a worker thread needs `contextvars.copy_context()`.
    """
    names = {"site": site, "review": review} | ({"slot": slot} if slot else {})
    return structlog.contextvars.bound_contextvars(**names)


def _formatter(shared: list[Any], redactor: Redactor, *, console: bool) -> logging.Formatter:
    rendered: list[Any] = (
        [_printable, structlog.dev.ConsoleRenderer(colors=True, pad_event_to=28)]
        if console
        else [structlog.processors.JSONRenderer(serializer=_one_line)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redactor,
            *rendered,
        ],
    )


def _stamper(now: Callable[[], datetime] | None) -> Any:
    if now is None:
        return structlog.processors.TimeStamper(fmt="iso", utc=True)

    def stamp(_logger: Any, _method: str, event: Event) -> Event:
        event["timestamp"] = now().isoformat().replace("+00:00", "Z")
        return event

    return stamp


def _one_line(event: Event, **_: Any) -> str:
    """Render as ASCII JSON: neither a newline, an escape nor a bidi sign reaches a terminal."""
    return json.dumps(event, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _printable(_logger: Any, _method: str, event: Event) -> Event:
    """Show control signs as text; only a traceback keeps its line breaks."""
    return {
        name: value.translate(_LINES if name == "exception" else _CONTROL)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


class _LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be written is counted, never shown with its arguments."""

    lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002
        """Count the loss: the standard handler would print the raw arguments."""
        self.lost += 1


def _handler(out: TextIO, formatter: logging.Formatter) -> _LineHandler:
    handler = _LineHandler(out)
    handler.setFormatter(formatter)
    return handler


def _route(handler: _LineHandler, level: str) -> None:
    """Make the root logger the only way out, and uncaught errors take it too."""
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _LineHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, least in LIBRARIES.items():
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(root.level, least))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Log what nobody caught: the interpreter would print it unmasked."""
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    structlog.get_logger("connector").critical("uncaught_error", exc_info=(kind, error, trace))
