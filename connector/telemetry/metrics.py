"""Every metric of the daemon, in one place. Names and labels are a contract with dashboards."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from connector.failsafes.verdicts import Action, Screened
from connector.ports import MODES, Drained

NAMESPACE = "replenishd"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("filed", "confirmed", "rejected", "in_doubt", "recorded", "validated", "not_sent")
_STEP_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_CALL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SITE = ("site",)


@dataclass(frozen=True, kw_only=True)
class MetricDoc:
    """One metric as the reference shows it."""

    name: str
    kind: str  # counter | gauge | histogram
    labels: tuple[str, ...]
    text: str


class Meter:
    """Typed ways to count what a review did. Safe across threads; never raises into a review."""

    def __init__(self, *, version: str, process: bool = True) -> None:
        """Create every metric on an own registry; `process` adds memory, CPU and open files."""
        self.registry = CollectorRegistry(auto_describe=True)
        self.documented: list[MetricDoc] = []
        if process:
            ProcessCollector(registry=self.registry)
        self._review_metrics()
        self._outbox_metrics()
        self._edge_metrics()
        self._site_metrics()
        build = self._gauge("build_info", "Always 1; the version in labels.", ("version", "python"))
        build.labels(version, platform.python_version()).set(1)
        self._deciders: dict[str, tuple[str, str, str]] = {}
        self._outbox_states: set[tuple[str, str]] = set()

    def _review_metrics(self) -> None:
        self._step = self._histogram(
            "review_step_seconds", "Wall time of a review by step.", ("site", "step"), _STEP_BUCKETS
        )
        self._reviews = self._counter("reviews", "Reviews by outcome.", ("site", "outcome"))
        self._item_nodes = self._gauge("item_nodes", "Item-nodes in the last review.", _SITE)
        self._lines = self._counter("lines", "Lines by verdict.", ("site", "verdict"))
        self._trips = self._counter(
            "guard_trips", "Findings by fail-safe and action.", ("site", "guard", "action")
        )
        self._held_lines = self._gauge("held_lines", "Lines that wait for a person.", _SITE)
        self._held_value = self._gauge(
            "held_value", "Value of the lines that wait for a person, site currency.", _SITE
        )
        self._last_good = self._gauge(
            "last_good_review_timestamp_seconds", "When the last good review finished.", _SITE
        )
        self._fell_back = self._counter(
            "base_stock_lines", "Lines that base-stock decided instead of the policy.", _SITE
        )

    def _outbox_metrics(self) -> None:
        self._requisitions = self._counter(
            "requisitions", "Requisition lines by outcome of a send.", ("site", "outcome")
        )
        self._in_doubt = self._gauge("in_doubt", "Lines whose answer was lost.", _SITE)
        self._in_doubt_age = self._gauge(
            "in_doubt_oldest_seconds", "Age of the oldest line in doubt, 0 = none.", _SITE
        )
        self._outbox = self._gauge(
            "outbox_lines", "Lines owed to the ERP by state.", ("site", "state")
        )

    def _edge_metrics(self) -> None:
        call = ("site", "service", "method")
        self._calls = self._counter("erp_calls", "ERP calls by answer.", (*call, "status"))
        self._call_seconds = self._histogram(
            "erp_call_seconds", "Wall time of an ERP call.", call, _CALL_BUCKETS
        )
        self._octets = self._counter(
            "erp_bytes", "Bytes of the ERP's answers, unpacked.", ("site", "service")
        )
        self._retries = self._counter("erp_retries", "ERP calls repeated after a wait.", _SITE)
        self._data_age = self._gauge(
            "data_age_seconds", "Age of the picture the last review used.", _SITE
        )

    def _site_metrics(self) -> None:
        self._policy = self._gauge(
            "policy_info", "Always 1; who decides, in labels.", ("site", "source", "digest")
        )
        self._halted = self._gauge("halted", "1 while posting is stopped.", _SITE)
        self._leader = self._gauge("leader", "1 while this process holds the site.", _SITE)
        self._mode = self._gauge("mode", "1 for the mode in force.", ("site", "mode"))
        self._reload = self._counter("config_reloads", "Reloads by result.", ("result",))

    @contextmanager
    def step(self, site: str, step: str, seconds: Callable[[], float]) -> Iterator[None]:
        """Time one step of a review with the clock given (seconds, never jumping back)."""
        begun = seconds()
        try:
            yield
        finally:
            self._step.labels(site, step).observe(max(0.0, seconds() - begun))

    def took(self, site: str, step: str, seconds: float) -> None:
        """Record how long a step took where the caller measured it."""
        self._step.labels(site, step).observe(seconds)

    def review(self, site: str, *, outcome: str, finished_at: datetime, good: bool) -> None:
        """Count a finished review; a good one moves the timestamp that alerts watch."""
        self._reviews.labels(site, outcome).inc()
        if good:
            self._last_good.labels(site).set(finished_at.timestamp())

    def screened(self, site: str, screened: Screened) -> None:
        """Count the verdicts and findings of one review, and what it left to a person."""
        self._item_nodes.labels(site).set(screened.lines.height)
        for action, count in screened.lines["action"].value_counts().iter_rows():
            self._lines.labels(site, _verdict(action)).inc(count)
        findings = screened.findings.group_by("guard", "action").len()
        for guard, action, count in findings.iter_rows():
            self._trips.labels(site, guard, _verdict(action)).inc(count)
        by_base_stock = screened.lines.filter(pl.col("source") == "base_stock").height
        self._fell_back.labels(site).inc(by_base_stock)
        held = screened.held()
        self.held(site, lines=held.height, value=float(held["value"].fill_nan(0.0).sum()))

    def held(self, site: str, *, lines: int, value: float) -> None:
        """Set what waits for a person now; value in the site's currency."""
        self._held_lines.labels(site).set(lines)
        self._held_value.labels(site).set(value)

    def drained(self, site: str, drained: Drained) -> None:
        """Count what one pass over the outbox did."""
        for outcome in OUTCOMES:
            self._requisitions.labels(site, outcome).inc(getattr(drained, outcome))

    def outbox(self, site: str, depth: Mapping[str, int]) -> None:
        """Set how many lines stand in each state; a state not named falls to 0."""
        known = {state for name, state in self._outbox_states if name == site}
        for state in known | set(depth):
            self._outbox.labels(site, state).set(depth.get(state, 0))
            self._outbox_states.add((site, state))

    def in_doubt(self, site: str, *, lines: int, oldest_seconds: float) -> None:
        """Set how many lines are in doubt and for how long the oldest has been."""
        self._in_doubt.labels(site).set(lines)
        self._in_doubt_age.labels(site).set(oldest_seconds)

    def data_age(self, site: str, seconds: float) -> None:
        """Set how old the picture behind the last review is."""
        self._data_age.labels(site).set(seconds)

    def erp_call(
        self,
        site: str,
        *,
        service: str,
        method: str,
        status: str,
        seconds: float,
        received: int = 0,
        again: bool = False,
    ) -> None:
        """Count one ERP call; `status` is the HTTP status or why there was none."""
        self._calls.labels(site, service, method, status).inc()
        self._call_seconds.labels(site, service, method).observe(seconds)
        self._octets.labels(site, service).inc(received)
        self._retries.labels(site).inc(again)

    def policy(self, site: str, *, source: str, digest: str) -> None:
        """Name who decides at the site; the one before it disappears."""
        labels = (site, source, digest[:16])
        before = self._deciders.get(site)
        if before is not None and before != labels:
            self._policy.remove(*before)
        self._deciders[site] = labels
        self._policy.labels(*labels).set(1)

    def mode(self, site: str, mode: str) -> None:
        """Set the mode in force."""
        for each in MODES:
            self._mode.labels(site, each).set(each == mode)

    def halted(self, site: str, *, halted: bool) -> None:
        """Set whether posting is stopped, by whomever."""
        self._halted.labels(site).set(halted)

    def leader(self, site: str, *, leader: bool) -> None:
        """Set whether this process holds the site's state directory."""
        self._leader.labels(site).set(leader)

    def reloaded(self, *, accepted: bool) -> None:
        """Count a reload of the configuration."""
        self._reload.labels("accepted" if accepted else "rejected").inc()

    def exposition(self) -> bytes:
        """Return every metric as Prometheus reads it (CONTENT_TYPE)."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        self._document(f"{name}_total", "counter", text, labels)
        return Counter(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        self._document(name, "gauge", text, labels)
        return Gauge(name, text, labels, namespace=NAMESPACE, registry=self.registry)

    def _histogram(
        self, name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        self._document(name, "histogram", text, labels)
        return Histogram(
            name, text, labels, namespace=NAMESPACE, registry=self.registry, buckets=buckets
        )

    def _document(self, name: str, kind: str, text: str, labels: tuple[str, ...]) -> None:
        self.documented.append(
            MetricDoc(name=f"{NAMESPACE}_{name}", kind=kind, labels=labels, text=text)
        )


def _verdict(action: int) -> str:
    return Action(action).name.lower()
