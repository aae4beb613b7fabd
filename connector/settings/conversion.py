"""From settings to the values that each room understands. Secrets are read here, and only here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from connector.erp.odata.connection import (
    ApiKey,
    Basic,
    ClientCertificate,
    Connection,
    Credentials,
    OAuth2,
)
from connector.erp.sap.site import SapSite
from connector.inventory.planning import Planning, ServiceTarget
from connector.settings.erp import ApiKeyAuth, BasicAuth, OAuth2Auth, SapErp
from connector.settings.site import Site


def connection_of(erp: SapErp) -> Connection:
    """Return how the ERP is reached; raise ConfigError for a secret that cannot be read."""
    times, load, auth = erp.timeouts, erp.load, erp.auth
    certificate = None
    if auth.certificate_file is not None and auth.key_file is not None:
        certificate = ClientCertificate(
            certificate_file=str(auth.certificate_file), key_file=str(auth.key_file)
        )
    return Connection(
        base_url=erp.url,
        client=erp.client,
        language=erp.language,
        credentials=_credentials(erp),
        certificate=certificate,
        ca_file=str(erp.ca_file or ""),
        path_prefix=erp.path_prefix,
        connect_timeout_seconds=times.connect.total_seconds(),
        silence_seconds=times.silence.total_seconds(),
        deadline_seconds=times.call.total_seconds(),
        pull_seconds=times.pull.total_seconds(),
        answer_octets=load.answer,
        calls_per_review=load.calls_per_review,
        concurrency=load.concurrency,
        attempts=load.attempts,
        retry_after_seconds=times.retry_after.total_seconds(),
        page_size=load.page_size,
        pages_per_read=load.pages_per_read,
        order_by_key=load.order_by_key,
        inline_count=load.inline_count,
        compression=load.compression,
        saml2_disabled=erp.saml2_disabled,
    )


def sap_site_of(site: Site) -> SapSite:
    """Return what the SAP adapter must know of a site."""
    erp, nodes = site.erp, site.network.nodes
    everywhere = erp.requisition.purchasing_organization
    return SapSite(
        name=site.name,
        plants=tuple(each.plant for each in nodes),
        time_zone=site.schedule.time_zone,
        history_days=site.planning.history_days,
        pipeline_source=erp.pipeline_source,
        stock_available=frozenset(erp.stock.available),
        stock_in_transit=frozenset(erp.stock.in_transit),
        stock_of_transfers=frozenset(erp.stock.of_transfers),
        stock_inspection=frozenset(erp.stock.inspection),
        stock_blocked=frozenset(erp.stock.blocked),
        special_stock=frozenset(erp.stock.special),
        consumption_movements=frozenset(erp.movements.consumption),
        receipt_movements=frozenset(erp.movements.receipts),
        blocking_statuses=frozenset(erp.blocking_statuses),
        plants_without_stock=frozenset(each.plant for each in nodes if each.may_be_empty),
        valuation_areas=_by_plant((each.plant, each.valuation_area) for each in nodes),
        requisition_type=erp.requisition.document_type,
        requisitioner=erp.requisition.requisitioner,
        transfer_item_category=erp.requisition.transfer_item_category,
        purchasing_organizations=_by_plant(
            (each.plant, each.purchasing_organization or everywhere) for each in nodes
        ),
        storage_locations=_by_plant((each.plant, each.storage_location) for each in nodes),
        lines_per_requisition=site.posting.lines_per_document,
        repeatability=erp.requisition.repeatability,
    )


def _by_plant(pairs: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    return {plant: value for plant, value in pairs if value}


def planning_of(site: Site, review_days: float) -> Planning:
    """Return the planning rules of one review; the site's own review_days win over the schedule."""
    of_nodes = tuple(
        ServiceTarget(critical_ratio=each.critical_ratio, node=each.plant)
        for each in site.network.nodes
        if each.critical_ratio is not None
    )
    return replace(
        site.planning,
        review_days=site.review_days if site.review_days is not None else review_days,
        service_targets=(*of_nodes, *site.planning.service_targets),
    )


def scope_of(site: Site) -> tuple[frozenset[str], frozenset[str]]:
    """Return the items that are reviewed (empty = all) and the items that never are."""
    items = site.network.items
    return frozenset(items.include), frozenset(items.exclude)


def _credentials(erp: SapErp) -> Credentials | None:
    auth = erp.auth
    if isinstance(auth, BasicAuth):
        return Basic(user=auth.username, password=auth.password.reveal())
    if isinstance(auth, ApiKeyAuth):
        return ApiKey(key=auth.key.reveal(), header=auth.header)
    if isinstance(auth, OAuth2Auth):
        return OAuth2(
            token_url=auth.token_url,
            client_id=auth.client_id,
            client_secret=auth.client_secret.reveal(),
            scope=auth.scope,
        )
    return None
