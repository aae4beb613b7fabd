"""Tells the service manager how the daemon is: the sd_notify protocol, without a library."""

from __future__ import annotations

import socket

_WATCHDOG_SHARE = 0.5  # systemd recommends to report twice per interval


class Notifier:
    """Sends one datagram per notice; without a socket, or when nobody listens, it stays silent.

    `socket_path` is what NOTIFY_SOCKET holds; a leading @ names an abstract socket. No notice ever
    raises or blocks: a deaf service manager must not stop a review.
    """

    def __init__(self, socket_path: str = "") -> None:
        """Remember the address; nothing is opened yet."""
        self._address = "\0" + socket_path[1:] if socket_path.startswith("@") else socket_path

    @property
    def enabled(self) -> bool:
        """Return whether a service manager asked to be told."""
        return bool(self._address)

    def ready(self, status: str = "") -> bool:
        """Say that start or reload is complete; return whether the notice was taken."""
        return self._send("READY=1", *_status(status))

    def reloading(self, *, monotonic_usec: int | None = None) -> bool:
        """Say that a reload began; `Type=notify-reload` needs CLOCK_MONOTONIC in microseconds."""
        moment = [] if monotonic_usec is None else [f"MONOTONIC_USEC={monotonic_usec}"]
        return self._send("RELOADING=1", *moment)

    def stopping(self, status: str = "") -> bool:
        """Say that the daemon drains and leaves."""
        return self._send("STOPPING=1", *_status(status))

    def watchdog(self) -> bool:
        """Say that the daemon still makes progress."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """Show one line of free text in `systemctl status`."""
        return self._send(*_status(text))

    def _send(self, *assignments: str) -> bool:
        if not self._address or not assignments:
            return False
        notice = "\n".join(assignments).encode("utf-8", "replace")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(0)
                out.sendto(notice, self._address)
        except (OSError, ValueError):
            return False
        return True


def watchdog_seconds(watchdog_usec: str, watchdog_pid: str, pid: int) -> float | None:
    """Return how often to call `watchdog`, or None when this process is not watched.

    The texts are WATCHDOG_USEC and WATCHDOG_PID as systemd set them, "" where it did not.
    """
    if not watchdog_usec.isdecimal() or int(watchdog_usec) == 0:
        return None
    if watchdog_pid.isdecimal() and int(watchdog_pid) != pid:
        return None
    return int(watchdog_usec) / 1e6 * _WATCHDOG_SHARE


def _status(text: str) -> list[str]:
    """Return the STATUS assignment on one line: a line break would start another assignment."""
    return [f"STATUS={' '.join(text.split())}"] if text.strip() else []
