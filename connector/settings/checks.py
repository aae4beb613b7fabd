"""What no single field can tell: settings that contradict each other, or what is unwise."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from connector.errors import ConfigError
from connector.failsafes.limits import missing_caps
from connector.inventory.network import Network, Node
from connector.settings.complaints import Complaint
from connector.settings.parts import is_loopback
from connector.settings.references import Reference, Secret
from connector.settings.root import Settings
from connector.settings.site import Site
from connector.settings.written import Place

SHORTEST_QUARANTINE = timedelta(seconds=60)
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def contradictions(settings: Settings) -> list[Complaint]:
    """Return what must change before anything may start."""
    found = [*_between_sites(settings), *_rehearsal(settings)]
    for number, site in enumerate(settings.sites):
        at: Place = ("sites", number)
        for check in (_caps, _quarantine, _network, _pilot, _secrets, _certificate, _signers):
            found += check(site, at)
    return found


def network_of(site: Site) -> Network:
    """Return the site's nodes as the core sees them; raise ConfigError for a broken network."""
    return Network(
        tuple(
            Node(name=each.plant, label=each.label, supplied_by=each.supplied_by or "")
            for each in site.network.nodes
        )
    )


def _caps(site: Site, at: Place) -> Iterator[Complaint]:
    """D1: live has no default for how much money it may commit."""
    if site.mode == "live":
        for cap in missing_caps(site.limits):
            yield Complaint(
                place=(*at, *cap.split(".")),
                sentence=f"is not set, and live must know how much {site.currency} it may commit",
                hint="set it, or keep the site in shadow",
            )


def _quarantine(site: Site, at: Place) -> Iterator[Complaint]:
    if site.posting.quarantine < SHORTEST_QUARANTINE and not is_loopback(site.erp.url):
        yield Complaint(
            place=(*at, "posting", "quarantine"),
            sentence=f"{site.posting.quarantine.total_seconds():g} s is shorter than 60 s",
            hint="a real ERP may still store a requisition that late, and it would be filed twice",
        )


def _network(site: Site, at: Place) -> Iterator[Complaint]:
    try:
        network_of(site)
    except ConfigError as error:
        sentence = error.args[0].removeprefix("network.nodes: ")
        yield Complaint(place=(*at, "network", "nodes"), sentence=sentence, hint=error.hint)


def _pilot(site: Site, at: Place) -> Iterator[Complaint]:
    known = [each.plant for each in site.network.nodes]
    for number, node in enumerate(site.pilot.nodes):
        if node not in known:
            yield Complaint(
                place=(*at, "pilot", "nodes", number),
                sentence=f"{node} is no node of this site",
                hint=f"one of {', '.join(known)}",
            )
    excluded = set(site.network.items.exclude)
    for number, item in enumerate(site.pilot.items):
        if item in excluded:
            yield Complaint(
                place=(*at, "pilot", "items", number),
                sentence=f"{item} is excluded in network.items",
                hint="take it out of one of the two",
            )


def _secrets(site: Site, at: Place) -> Iterator[Complaint]:
    """Refuse secrets in the file: they would be in every backup and every support mail."""
    for name in type(site.erp.auth).model_fields:
        value = getattr(site.erp.auth, name)
        if isinstance(value, Secret) and not value.reference and not is_loopback(site.erp.url):
            yield Complaint(
                place=(*at, "erp", "auth", name),
                sentence="the secret itself is written here",
                hint="write ${credential:NAME}, ${file:PATH} or ${env:NAME}, and change the secret",
            )


def _certificate(site: Site, at: Place) -> Iterator[Complaint]:
    auth = site.erp.auth
    if (auth.certificate_file is None) != (auth.key_file is None):
        yield Complaint(
            place=(*at, "erp", "auth"),
            sentence="certificate_file and key_file go together",
            hint="give both or none",
        )


def _signers(site: Site, at: Place) -> Iterator[Complaint]:
    policy = site.policy
    own = [isinstance(policy.bundle, Path), policy.previous is not None]
    if any(own) and len(policy.trusted_keys) < policy.signatures:
        yield Complaint(
            place=(*at, "policy", "trusted_keys"),
            sentence=f"{policy.signatures} signatures are asked of {len(policy.trusted_keys)} keys",
            hint="name the public keys whose signature makes your own bundle usable",
        )


def _between_sites(settings: Settings) -> Iterator[Complaint]:
    """Two sites that share a name share a ledger; two that share a plant order twice."""
    names: dict[str, int] = {}
    plants: dict[tuple[str, str, str], str] = {}
    for number, site in enumerate(settings.sites):
        if site.name in names:
            yield Complaint(
                place=("sites", number, "name"),
                sentence=f"{site.name} is also site number {names[site.name] + 1}",
                hint="two sites would share one ledger; give each its own name",
            )
        names.setdefault(site.name, number)
        for step, node in enumerate(site.network.nodes):
            owner = plants.setdefault((site.erp.url, site.erp.client, node.plant), site.name)
            if owner != site.name:
                yield Complaint(
                    place=("sites", number, "network", "nodes", step, "plant"),
                    sentence=f"{node.plant} of the same ERP and client belongs to site {owner}",
                    hint="two sites would order for it twice; leave it to one",
                )


def _rehearsal(settings: Settings) -> Iterator[Complaint]:
    """Keep the simulated clock away from a real ERP: it would date real requisitions."""
    if settings.clock.follow is None:
        return
    for number, site in enumerate(settings.sites):
        if not is_loopback(site.erp.url):
            yield Complaint(
                place=("sites", number, "erp", "url"),
                sentence="a real ERP is never reviewed by a simulated clock",
                hint="take clock.follow out, or point the site at the sandbox",
            )


def advice(
    settings: Settings,
    files: tuple[Path, ...],
    references: dict[Place, Reference],
    environment: Mapping[str, str],
) -> tuple[str, ...]:
    """Return what works but should not stay so."""
    found = [each.exposure(environment) for each in references.values()]
    found += [
        f"{path} may be written by others (mode {mode & 0o777:04o}); whoever may, can go live"
        for path in files
        if (mode := path.stat().st_mode) & _OTHERS_MAY_WRITE
    ]
    live = {number for number, site in enumerate(settings.sites) if site.mode == "live"}
    found += [
        f"{each}: a live site's secret in the environment; prefer ${{credential:NAME}}"
        for place, each in references.items()
        if each.kind == "env" and place[1] in live and place[-1] != "username"
    ]
    if settings.web.listen is not None and not is_loopback(settings.web.listen):
        found.append(f"web.listen: {settings.web.listen} is open to the network, without a login")
    return tuple(dict.fromkeys(each for each in found if each))
