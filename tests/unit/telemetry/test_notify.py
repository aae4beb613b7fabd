"""The service manager is told, and never in the way."""

from __future__ import annotations

import secrets
import socket

import pytest

from connector.telemetry.notify import Notifier, watchdog_seconds


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """Listen where systemd would."""
    name = str(tmp_path / "n") if request.param == "path" else f"@replenishd-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:] if name.startswith("@") else name)
        listening.settimeout(2)
        yield Notifier(name), lambda: listening.recv(4096).decode()


def test_every_notice_arrives_as_the_protocol_wants_it(manager):
    notifier, heard = manager
    assert notifier.enabled
    assert notifier.ready("2 sites")
    assert heard() == "READY=1\nSTATUS=2 sites"
    assert notifier.reloading(monotonic_usec=77)
    assert heard() == "RELOADING=1\nMONOTONIC_USEC=77"
    assert notifier.reloading()
    assert heard() == "RELOADING=1"
    assert notifier.watchdog()
    assert heard() == "WATCHDOG=1"
    assert notifier.stopping()
    assert heard() == "STOPPING=1"


def test_a_status_text_cannot_smuggle_an_assignment(manager):
    notifier, heard = manager
    notifier.status("north held\nMAINPID=1")
    assert heard() == "STATUS=north held MAINPID=1"


def test_without_a_socket_or_a_listener_it_stays_silent(tmp_path):
    assert not Notifier().enabled
    assert not Notifier("").ready()
    assert not Notifier(str(tmp_path / "nobody")).watchdog()
    assert not Notifier("x\0y").watchdog()
    assert not Notifier("/" + "x" * 300).watchdog()


def test_a_manager_that_does_not_read_blocks_nothing(tmp_path):
    path = str(tmp_path / "deaf")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(path)
        answers = [Notifier(path).watchdog() for _ in range(2_000)]
    assert answers[0]
    assert not answers[-1]


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", "", 15.0),
        ("30000000", "7", 15.0),
        ("30000000", "8", None),
        ("", "7", None),
        ("0", "7", None),
        ("often", "7", None),
    ],
)
def test_the_watchdog_interval_is_half_of_what_the_manager_waits(usec, pid, seconds):
    assert watchdog_seconds(usec, pid, 7) == seconds
