"""How a site reaches its ERP, and how much it may ask of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from connector.erp.sap.site import SapSite
from connector.settings.parts import (
    Code,
    Organization,
    Part,
    RefAddress,
    RefPath,
    RefText,
    Text,
)
from connector.settings.quantities import Duration, Size, between, from_to
from connector.settings.references import Secret

# The adapter's own defaults, read from it so that no code is written down twice.
_SAP = SapSite(name="default", plants=("0001",))
Codes = Annotated[tuple[Code, ...], Field(max_length=200)]


def _codes(known: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(known))


class CertificatePart(Part):
    """A client certificate for mutual TLS; both files are PEM."""

    certificate_file: RefPath | None = None
    """The certificate, with its chain."""
    key_file: RefPath | None = None
    """Its private key, without passphrase, readable by the service user only."""


class BasicAuth(CertificatePart):
    """A communication user with a password."""

    kind: Literal["basic"]
    username: RefText
    """The communication user."""
    password: Secret
    """Its password."""


class ApiKeyAuth(CertificatePart):
    """A key in a header, as API gateways want it."""

    kind: Literal["api_key"]
    key: Secret
    """The key."""
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "APIKey"
    """The name of the header."""


class OAuth2Auth(CertificatePart):
    """OAuth 2.0 client credentials; the secret travels in the body, never in an address."""

    kind: Literal["oauth2"]
    token_url: RefAddress
    """Where tokens are issued."""
    client_id: RefText
    """Who we are there."""
    client_secret: Secret
    """What proves it."""
    scope: Text = ""
    """What the token is for; empty = the issuer's default."""


class MutualTlsAuth(CertificatePart):
    """A client certificate and nothing else."""

    kind: Literal["mtls"]
    certificate_file: RefPath
    """The certificate, with its chain."""
    key_file: RefPath
    """Its private key, without passphrase, readable by the service user only."""


Auth = Annotated[BasicAuth | ApiKeyAuth | OAuth2Auth | MutualTlsAuth, Field(discriminator="kind")]


class TimeoutSettings(Part):
    """How long the ERP may take."""

    connect: Annotated[Duration, between("100ms", "2m")] = timedelta(seconds=10)
    """Until a connection stands."""
    silence: Annotated[Duration, between("100ms", "10m")] = timedelta(seconds=60)
    """Between two octets of an answer."""
    call: Annotated[Duration, between("1s", "30m")] = timedelta(minutes=3)
    """One whole call, headers and body, however slowly it drips."""
    pull: Annotated[Duration, between("1s", "6h")] = timedelta(minutes=30)
    """Everything that one review reads."""
    retry_after: Annotated[Duration, between("0s", "10m")] = timedelta(seconds=60)
    """The longest Retry-After that is obeyed within a review."""


class LoadSettings(Part):
    """How much may be asked of the ERP, and how much one answer may hold."""

    calls_per_review: Annotated[int, Field(ge=10, le=1_000_000)] = 2000
    """Calls that one review may make in all."""
    concurrency: Annotated[int, Field(ge=1, le=16)] = 4
    """Reads in flight at once; requisitions are always sent one after the other."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """How often one read is tried; a requisition is sent once."""
    page_size: Annotated[int, Field(ge=0, le=100_000)] = 5000
    """Rows asked for at once; 0 = the server decides."""
    pages_per_read: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """A server that never stops paging is stopped here."""
    answer: Annotated[Size, from_to("64k", "2g")] = 256 * 1024**2
    """Octets of one answer, unpacked."""
    order_by_key: bool = True
    """Ask for rows in key order, so that pages do not overlap while stock moves."""
    inline_count: bool = True
    """Ask the ERP for its own row count, and refuse a pull that has fewer."""
    compression: bool = True
    """Accept gzip; it is unpacked under the same limit."""


class RequisitionSettings(Part):
    """What every requisition carries."""

    document_type: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,4}$")] = _SAP.requisition_type
    """The ERP's document type."""
    requisitioner: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,12}$")] = _SAP.requisitioner
    """Who asks, as the buyer sees it."""
    purchasing_organization: Organization | None = None
    """Of every plant whose node names none; none = left to the ERP."""
    transfer_item_category: Annotated[str, Field(pattern=r"^[A-Z0-9]?$")] = (
        _SAP.transfer_item_category
    )
    """Of lines that another plant supplies; empty = not sent."""
    repeatability: bool = _SAP.repeatability
    """Send RequestID, where basis has switched on idempotent services."""


class StockSettings(Part):
    """What each of SAP's stock types counts as."""

    available: Codes = _codes(_SAP.stock_available)
    """Can be issued today."""
    in_transit: Codes = _codes(_SAP.stock_in_transit)
    """On its way to this plant."""
    of_transfers: Codes = _codes(_SAP.stock_of_transfers)
    """Those of `in_transit` that a transfer order's goods issue made."""
    inspection: Codes = _codes(_SAP.stock_inspection)
    """Seen, not counted."""
    blocked: Codes = _codes(_SAP.stock_blocked)
    """Seen, not counted."""
    special: Codes = _codes(_SAP.special_stock)
    """Special stocks counted besides own stock: K = vendor consignment."""


class MovementSettings(Part):
    """Which goods movements are demand, and which are receipts of orders."""

    consumption: Codes = _codes(_SAP.consumption_movements)
    """Issues that a customer, a cost center or an order caused, and their reversals."""
    receipts: Codes = _codes(_SAP.receipt_movements)
    """Receipts against purchase orders, and their reversals."""


class SapErp(Part):
    """SAP S/4HANA over OData V2."""

    kind: Literal["sap"] = "sap"
    url: RefAddress
    """Scheme, host and port of the gateway; the service paths are fixed and printed by api-plan."""
    client: Annotated[RefText, Field(pattern=r"^([0-9]{3})?$")] = ""
    """sap-client; empty = the gateway's default. Quote it: "100"."""
    language: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "EN"
    """sap-language: unit codes depend on it, so it must not change."""
    auth: Auth
    """How the connector proves who it is: kind is basic, api_key, oauth2 or mtls."""
    ca_file: RefPath | None = None
    """PEM file of the authority that signed the gateway's certificate; none = the system's."""
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings)
    """How long the ERP may take."""
    load: LoadSettings = Field(default_factory=LoadSettings)
    """How much may be asked of the ERP."""
    path_prefix: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./-]{0,200}$")] = "/sap/opu/odata/sap"
    """The path under which the gateway offers its services."""
    saml2_disabled: bool = False
    """Add saml2=disabled to every call: for gateways that answer with a login page instead."""
    pipeline_source: Literal["documents", "mrp"] = "documents"
    """Where open orders are read: purchasing documents, or the MRP service as single source."""
    stock: StockSettings = Field(default_factory=StockSettings)
    """What each of SAP's stock types counts as."""
    movements: MovementSettings = Field(default_factory=MovementSettings)
    """Which goods movements are demand."""
    blocking_statuses: Codes = _codes(_SAP.blocking_statuses)
    """Material statuses under which an item is never ordered."""
    requisition: RequisitionSettings = Field(default_factory=RequisitionSettings)
    """What every requisition carries."""
    unplanned_types: tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]{1,2}$")], ...] = ("ND", "X0")
    """Planning types under which nobody else plans an item; any other is warned about."""
