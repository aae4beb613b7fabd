"""Settings into wired objects: the only module that knows shadow from live.

A machine is one process with its sites: opened once, rewired when the configuration changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector import __version__
from connector.clock import FollowedClock, SystemClock
from connector.erp.odata.transport import Call, Transport
from connector.erp.sap.post import SapPoster
from connector.erp.sap.quality import check_sap
from connector.erp.sap.read import SapReader
from connector.erp.shadow import ShadowPoster
from connector.ledger.conduct import Conduct
from connector.ledger.retention import Retention
from connector.policy.fallback import Place, choose
from connector.policy.shipped import shipped_keys, shipped_place
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
)
from connector.settings.site import PolicySettings
from connector.site.wiring import Pilot, Wiring
from connector.telemetry.metrics import Meter


def clock_of(settings: Settings) -> SystemClock:
    """Return the machine's clock, or the sandbox's in a rehearsal."""
    return FollowedClock(settings.clock.follow) if settings.clock.follow else SystemClock()


def wiring_of(
    configuration: Configuration,
    site: Site,
    clock: SystemClock,
    meter: Meter,
    trace: Callable[[Call], None] | None = None,
) -> Wiring:
    """Wire one site; opens no connection. Raises ConfigError for what cannot be wired."""
    transport = Transport(connection_of(site.erp), clock, trace=trace or _metered(meter, site.name))
    sap = sap_site_of(site)
    reader = SapReader(transport, sap)
    live = SapPoster(transport, sap, mode="live")
    trust, places = trust_of(site.policy), places_of(site.policy)
    return Wiring(
        name=site.name,
        currency=site.currency,
        schedule=Schedule(site.schedule.cron, site.schedule.time_zone, site.schedule.misfire_grace),
        tick_seconds=site.posting.tick.total_seconds(),
        network=network_of(site),
        planning=lambda review_days: planning_of(site, review_days),
        limits=site.limits,
        pilot=Pilot(nodes=site.pilot.nodes, items=site.pilot.items),
        reader=reader,
        poster=poster_for(site.mode, live, transport, sap),
        finder=live,
        policy=choose(places, trust, today=clock.now().date(), connector_version=__version__),
        places=places,
        trust=trust,
        conduct=conduct_of(site),
        hold_expiry=site.posting.hold_expiry,
        retention=Retention(
            days=max(1, site.evidence.retention.days), octets=site.evidence.largest
        ),
        erp_now=reader.server_time,
        check_erp=lambda: check_sap(transport, sap),
        rehearsal=isinstance(clock, FollowedClock),
        facts={"config": configuration.digest, "connector": __version__},
        close=transport.close,
    )


def poster_for(mode: str, live: SapPoster, transport: Transport, sap: Any) -> RequisitionPoster:
    """Return the poster of a mode: the one place where shadow and live differ."""
    if mode == "live":
        return live
    if mode == "validate":
        return SapPoster(transport, sap, mode="validate")
    return ShadowPoster()


def places_of(policy: PolicySettings) -> list[Place]:
    """Return where bundles lie, in order of preference; empty = base-stock was asked for."""
    if policy.bundle == "none":
        return []
    first = shipped_place() if policy.bundle == "shipped" else Place(directory=policy.bundle)
    return [first, *([Place(directory=policy.previous)] if policy.previous else [])]


def trust_of(policy: PolicySettings) -> Trust:
    """Return whose signatures count: the configured keys, and the shipped bundle's own."""
    return Trust.read([*policy.trusted_keys, *shipped_keys()], policy.signatures)


def conduct_of(site: Site) -> Conduct:
    """Return how the outbox talks to the ERP."""
    posting, throttle = site.posting, site.limits.throttle
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
        )

    return told
