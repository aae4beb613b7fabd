"""Settings into wired objects: the only module that knows shadow from live."""

from __future__ import annotations

from collections.abc import Callable

from connector import __version__
from connector.clock import FollowedClock, SystemClock
from connector.erp.odata.transport import Call
from connector.erp.sap.check import check_connection, check_metadata
from connector.erp.sap.plan import api_plan
from connector.erp.sap.post import SapPoster
from connector.erp.sap.quality import other_planners
from connector.erp.sap.read import SapReader
from connector.erp.shadow import ShadowPoster
from connector.errors import ErpUnavailable
from connector.failsafes.control_limits import Throttle
from connector.ledger.conduct import Conduct
from connector.ledger.retention import Retention
from connector.policy.fallback import Place, choose
from connector.policy.shipped import SHIPPED, shipped_keys, shipped_place
from connector.policy.trust import Trust
from connector.ports import RequisitionPoster
from connector.schedule import Schedule
from connector.settings import (
    Configuration,
    Settings,
    Site,
    connection_of,
    network_of,
    planning_of,
    sap_site_of,
    scope_of,
)
from connector.settings.site import PolicySettings
from connector.site.office import Office
from connector.site.scope import ScopedReader
from connector.site.wiring import Erp, Pilot, Wiring
from connector.telemetry.metrics import Meter

_UNTHROTTLED = Throttle(per_second=100.0, burst=1000.0)  # the most that limits allow


def clock_of(settings: Settings) -> SystemClock:
    """Return the machine's clock, or the sandbox's in a rehearsal."""
    return FollowedClock(settings.clock.follow) if settings.clock.follow else SystemClock()


def clock_for_questions(settings: Settings) -> SystemClock:
    """Return the clock of a command: a rehearsal that is over can still be asked about."""
    clock = clock_of(settings)
    try:
        clock.now()
    except ErpUnavailable:
        return SystemClock()
    return clock


def open_site(configuration: Configuration, name: str, clock: SystemClock) -> Office:
    """Wire one site for the command line; opens no connection and takes no lock."""
    site = configuration.settings.site(name)
    meter = Meter(version=__version__)
    return Office(
        wiring=wiring_of(configuration, site, clock, meter),
        directory=configuration.settings.state_dir / site.name,
        clock=clock,
        meter=meter,
    )


def wiring_of(
    configuration: Configuration,
    site: Site,
    clock: SystemClock,
    meter: Meter,
    trace: Callable[[Call], None] | None = None,
) -> Wiring:
    """Wire one site; opens no connection. Raises ConfigError for what cannot be wired."""
    trust, places = trust_of(site.policy), places_of(site.policy)
    return Wiring(
        name=site.name,
        currency=site.currency,
        labels={each.plant: each.label for each in site.network.nodes if each.label},
        unplanned_types=tuple(site.erp.unplanned_types),
        schedule=Schedule(site.schedule.cron, site.schedule.time_zone, site.schedule.misfire_grace),
        tick_seconds=site.posting.tick.total_seconds(),
        network=network_of(site),
        planning=lambda review_days: planning_of(site, review_days),
        limits=site.limits,
        pilot=Pilot(nodes=site.pilot.nodes, items=site.pilot.items),
        erp=erp_of(site, clock, trace or _metered(meter, site.name)),
        policy=choose(places, trust, today=clock.now().date(), connector_version=__version__),
        places=places,
        trust=trust,
        conduct=conduct_of(site),
        hold_expiry=site.posting.hold_expiry,
        retention=Retention(
            days=max(1, site.evidence.retention.days), octets=site.evidence.largest
        ),
        rehearsal=isinstance(clock, FollowedClock),
        durable=site.mode == "live" and not isinstance(clock, FollowedClock),
        facts={"config": configuration.digest, "connector": __version__},
    )


def erp_of(site: Site, clock: SystemClock, trace: Callable[[Call], None]) -> Erp:
    """Return the site's ERP, with the poster of its mode: all that differs from shadow to live."""
    connection, sap = connection_of(site.erp), sap_site_of(site)
    include, exclude = scope_of(site)
    reader = SapReader(connection, sap, clock, trace=trace)
    posters: dict[str, RequisitionPoster] = {
        "live": SapPoster(connection, sap, clock, mode="live", trace=trace),
        "validate": SapPoster(connection, sap, clock, mode="validate", trace=trace),
        "shadow": ShadowPoster(),
    }
    return Erp(
        reader=ScopedReader(reader=reader, include=include, exclude=exclude),
        poster=posters[site.mode],
        finder=posters["live"],
        checks=(
            lambda: check_connection(connection, sap, clock, site.limits.clock_jump),
            lambda: check_metadata(connection, sap, clock),
        ),
        api_plan=lambda: api_plan(sap, connection),
        other_planners=lambda snapshot: other_planners(
            snapshot, not_planned={"", *site.erp.unplanned_types}
        ),
        close=reader.close,
    )


def places_of(policy: PolicySettings) -> list[Place]:
    """Return where bundles lie, in order of preference; empty = base-stock was asked for."""
    if policy.bundle == "none":
        return []
    if isinstance(policy.bundle, str):
        first = shipped_place(SHIPPED[policy.bundle])
    else:
        first = Place(directory=policy.bundle)
    return [first, *([Place(directory=policy.previous)] if policy.previous else [])]


def trust_of(policy: PolicySettings) -> Trust:
    """Return whose signatures count: the configured keys, and the shipped bundle's own."""
    return Trust.read([*policy.trusted_keys, *shipped_keys()], policy.signatures)


def conduct_of(site: Site) -> Conduct:
    """Return how the outbox talks to the ERP."""
    posting = site.posting
    # Nobody is spared by a shadow that waits: it sends nothing
    throttle = _UNTHROTTLED if site.mode == "shadow" else site.limits.throttle
    return Conduct(
        quarantine_seconds=posting.quarantine.total_seconds(),
        visibility_lag_seconds=posting.visibility_lag.total_seconds(),
        second_look_seconds=posting.second_look.total_seconds(),
        never_repost=posting.never_repost,
        reapproval_seconds=posting.hold_expiry.total_seconds(),
        missing_after_seconds=max(
            posting.quarantine.total_seconds(), posting.visibility_lag.total_seconds()
        ),
        document_lines=posting.lines_per_document,
        sends_per_second=throttle.per_second,
        sends_at_once=int(throttle.burst),
    )


def _metered(meter: Meter, site: str) -> Callable[[Call], None]:
    def told(call: Call) -> None:
        service = call.url.split("/sap/opu/odata/sap/")[-1].split("/")[0].split("?")[0]
        meter.erp_call(
            site,
            service=service,
            method=call.method,
            status=str(call.status or "none"),
            seconds=call.seconds,
            received=call.octets,
            again=call.waited > 0,
        )

    return told
