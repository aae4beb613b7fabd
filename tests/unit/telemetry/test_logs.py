"""What a log line shows, and what it never shows."""

from __future__ import annotations

import base64
import io
import json
import logging
import string
import sys
import threading
import warnings
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import structlog
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from connector.errors import ErpUnavailable
from connector.telemetry import logs
from connector.telemetry.redaction import MASK, Redactor, is_secret_name

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OWN_WORDS = ("event", "level", "timestamp", "logger", "exception", "Traceback", "connector.test")


@pytest.fixture(autouse=True)
def _own_logging():
    """Give the root logger and structlog back as they were."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    hooks = sys.excepthook, threading.excepthook
    yield
    root.handlers[:], root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def start(redactor=None, **options):
    stream = io.StringIO()
    logs.configure(redactor=redactor or Redactor(), stream=stream, now=lambda: NOON, **options)
    return stream


def read(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log():
    return structlog.get_logger("connector.test")


def test_a_line_is_one_json_object_with_utc_time_level_and_facts():
    stream = start()
    log().warning("policy_unusable", site="north", lines=3)
    assert read(stream) == [
        {
            "event": "policy_unusable",
            "level": "warning",
            "lines": 3,
            "logger": "connector.test",
            "site": "north",
            "timestamp": "2026-03-02T12:00:00Z",
        }
    ]


def test_without_a_clock_the_time_is_the_machines_in_utc():
    stream = io.StringIO()
    logs.configure(redactor=Redactor(), stream=stream)
    log().info("started")
    stamp = read(stream)[0]["timestamp"]
    assert stamp.endswith("Z")
    assert datetime.fromisoformat(stamp).tzinfo is not None


def test_a_review_is_bound_to_its_own_thread_and_to_libraries_too():
    stream = start()

    def review(number):
        with logs.bind_review(site="north", review=f"r{number}", slot="s"):
            log().info("mine", number=number)
            logging.getLogger("urllib3.connectionpool").warning("theirs %s", number)

    threads = [threading.Thread(target=review, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log().info("after")
    *bound, after = read(stream)
    assert len(bound) == 16
    for line in bound:
        number = line.get("number", line["event"][-1])
        assert line["review"] == f"r{number}"
        assert line["site"] == "north"
    assert "review" not in after


def test_libraries_speak_through_the_same_chain_and_never_below_info():
    stream = start(level="debug")
    for name in ("apscheduler", "uvicorn", "urllib3", "pyodata"):
        logging.getLogger(name).debug("headers: %s", "secret")
        logging.getLogger(name).info("%s speaks", name)
    logging.getLogger("apscheduler.executors.default").info("a job ran, ten times a second")
    log().debug("ours")
    lines = read(stream)
    assert [line["event"] for line in lines] == [
        "apscheduler speaks",
        "uvicorn speaks",
        "urllib3 speaks",
        "pyodata speaks",
        "ours",
    ]
    assert {line["timestamp"] for line in lines} == {"2026-03-02T12:00:00Z"}


def test_a_level_silences_what_is_below_it():
    stream = start(level="warning")
    log().info("quiet")
    logging.getLogger("uvicorn.error").info("quiet")
    log().error("loud")
    assert [line["event"] for line in read(stream)] == ["loud"]


def test_configuring_again_replaces_and_does_not_double():
    first = start()
    second = start()
    log().info("once")
    assert first.getvalue() == ""
    assert len(read(second)) == 1


def test_warnings_and_uncaught_errors_take_the_same_way():
    stream = start(Redactor("hunter2hunter2"))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old hunter2hunter2 call", stacklevel=1)

    def fall():
        raise ErpUnavailable("login hunter2hunter2 refused")

    thread = threading.Thread(target=fall)
    thread.start()
    thread.join()
    warned, fell = read(stream)
    assert MASK in warned["event"]
    assert fell["event"] == "uncaught_error"
    assert "ErpUnavailable" in fell["exception"]
    assert "hunter2" not in stream.getvalue()


def test_a_library_line_with_wrong_arguments_shows_nothing_of_them(capsys):
    logging.getLogger().handlers.clear()  # the test runner's own handler would raise
    stream = start(Redactor("s3cr3t-value"))
    logging.getLogger("urllib3").warning("%d tries", "s3cr3t-value")
    log().info("still_alive")
    captured = capsys.readouterr()
    assert "s3cr3t" not in captured.err + captured.out + stream.getvalue()
    assert read(stream)[-1]["event"] == "still_alive"


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[2J", "\x9b31m", "\u2028", "\u202e", "\x00"])
def test_no_text_can_forge_a_line_or_reach_the_terminal(sign):
    stream = start()
    forged = f'x{sign}{{"event":"requisition_filed"}}'
    log().info(forged, item=forged, **{f"na{sign}me": 1})
    logging.getLogger("uvicorn.error").info(forged)
    text = stream.getvalue()
    assert text.count("\n") == 2
    assert sign not in text.replace("\n", "") or sign == "\n"
    assert read(stream)[0]["item"] == forged

    console = start(console=True)
    log().info(forged, item=forged)
    shown = console.getvalue()
    assert shown.count("\n") == 1
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown


def test_the_console_form_is_only_for_terminals():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    logs.configure(redactor=Redactor("tops3cret"), stream=terminal, now=lambda: NOON)
    log().info("started", password="tops3cret")
    assert not terminal.getvalue().startswith("{")
    assert "tops3cret" not in terminal.getvalue()
    assert start().isatty() is False


def test_what_json_cannot_say_is_said_as_text():
    stream = start()

    class Mute:
        def __str__(self):
            raise RuntimeError("no")

    log().info("odd", nan=float("nan"), when=NOON, raw=b"\xff\x00", mute=Mute(), kinds={"a"})
    line = read(stream)[0]
    assert line["nan"] == "nan"
    assert line["when"] == "2026-03-02 12:00:00+00:00"
    assert line["mute"] == "<Mute>"
    assert line["kinds"] == ["a"]


def test_a_loop_in_the_facts_ends_and_a_long_text_is_cut_after_masking():
    redactor = Redactor("abcdefgh" * 4)
    stream = start(redactor)
    loop = {"secret_free": 1}
    loop["loop"] = loop
    log().info("loop", loop=loop, long="x" * 16_370 + "abcdefgh" * 4 + "y" * 9_000)
    text = stream.getvalue()
    assert "abcdefgh" not in text
    assert len(text) < 40_000


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "erp_password",
        "clientSecret",
        "client-secret",
        "Authorization",
        "proxy_authorization",
        "Set-Cookie",
        "x-csrf-token",
        "access_token",
        "API-Key",
        "apikey",
        "private key",
        "credentials",
    ],
)
def test_a_field_named_like_a_secret_loses_its_value(name):
    stream = start()
    log().info("call", request={name: ["deep", {"deeper": "hidden-thing"}]})
    assert is_secret_name(name)
    assert "hidden-thing" not in stream.getvalue()


@pytest.mark.parametrize("name", ["tracking", "tokens_left", "item", "key", "opinion", "spinner"])
def test_an_ordinary_field_keeps_its_value(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET https://robot:pw12@erp.example/x", "pw12"),
        ("Authorization: Basic cm9ib3Q6cHcxMg==", "cm9ib3Q6cHcxMg"),
        ("sent bearer eyJhbGciOi.J9", "eyJhbGciOi"),
        ("POST /token?client_secret=zz9&x=1", "zz9"),
        ('{"password": "zz9", "user": "robot"}', "zz9"),
    ],
)
def test_credentials_are_known_by_their_shape(text, hidden):
    masked = Redactor().text(text)
    assert hidden not in masked
    assert MASK in masked


def fall(said):
    try:
        int(said + "x")
    except ValueError as cause:
        raise ErpUnavailable(f"no answer to {said!r}", hint=said) from cause


secret_texts = st.text(
    alphabet=string.ascii_letters + string.digits + "äß€ /+=&%\\\"'{}<>-_.:@!\n\t",
    min_size=6,
    max_size=40,
).filter(lambda text: text.strip() == text)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(secret=secret_texts, before=st.text(max_size=5), after=st.text(max_size=5))
@example(secret="pa\\ss\nw0rd", before="", after="")
@example(secret="a+b/c=d ", before="x", after="y").via("trailing blank")
def test_no_registered_secret_ever_appears(secret, before, after):
    assume(not any(secret in word or word in secret for word in OWN_WORDS))
    stream = start(Redactor(secret))
    said = f"{before}{secret}{after}"
    user = base64.b64encode(f"robot:{secret}".encode()).decode()
    try:
        fall(said)
    except ErpUnavailable:
        log().exception("fell", text=said, **{f"k{said}": 1})
    log().info(said, nested={"a": [{"b": (said, said.encode())}], said: said}, error=OSError(said))
    logging.getLogger("uvicorn.error").info("answer %s to %r", said, {"x": said})
    logging.getLogger("pyodata").warning("to %s with %s", quote(secret, safe=""), user)
    lines = stream.getvalue().splitlines()
    shown = json.dumps([json.loads(line) for line in lines], ensure_ascii=False)
    assert len(lines) == 4
    for form in {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="")}:
        assert form not in stream.getvalue()
        assert form not in shown
    assert user not in shown


def test_a_secret_registered_later_is_masked_from_then_on_and_repr_shows_none():
    redactor = Redactor()
    stream = start(redactor)
    redactor.keep("late-secret", "late-secret-longer")
    log().info("x", text="late-secret-longer then late-secret", number=1)
    assert read(stream)[0]["text"] == f"{MASK} then {MASK}"
    assert "late" not in repr(redactor)
    redactor.keep("", "abc")
    log().info("y", text="abcabc")
    assert read(stream)[1]["text"] == "abcabc"


def test_a_secret_number_is_masked_in_numbers():
    redactor = Redactor("48151623")
    assert redactor.plain({"pin_code": 48151623, "count": 42, "deep": [48151623.0]}) == {
        "pin_code": MASK,
        "count": 42,
        "deep": [f"{MASK}.0"],
    }
