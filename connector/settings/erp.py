"""How a site reaches its ERP, and how much it may ask of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from connector.settings.parts import (
    Label,
    Part,
    Plant,
    RefAddress,
    RefPath,
    RefText,
    Text,
)
from connector.settings.quantities import Duration, Size, between, from_to
from connector.settings.references import Secret


class BasicAuth(Part):
    """A communication user with a password."""

    kind: Literal["basic"]
    username: RefText
    password: Secret


class ApiKeyAuth(Part):
    """A key in a header, as API gateways want it."""

    kind: Literal["api_key"]
    key: Secret
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "APIKey"
    """The name of the header."""


class OAuth2Auth(Part):
    """OAuth 2.0 client credentials; the secret travels in the body, never in an address."""

    kind: Literal["oauth2"]
    token_url: RefAddress
    client_id: RefText
    client_secret: Secret
    scope: Text = ""


class MutualTlsAuth(Part):
    """A client certificate; both files are PEM, read when a connection is made."""

    kind: Literal["mtls"]
    certificate: RefPath
    key: RefPath


Auth = Annotated[
    BasicAuth | ApiKeyAuth | OAuth2Auth | MutualTlsAuth, Field(discriminator="kind")
]


class TimeoutSettings(Part):
    """How long one call may take."""

    connect: Annotated[Duration, between("100ms", "2m")] = timedelta(seconds=10)
    """Until a connection stands."""
    read: Annotated[Duration, between("100ms", "10m")] = timedelta(seconds=60)
    """Between two octets of an answer."""
    call: Annotated[Duration, between("1s", "30m")] = timedelta(minutes=5)
    """From sending a read to its last octet, however slowly it drips."""
    post: Annotated[Duration, between("1s", "10m")] = timedelta(minutes=2)
    """From sending a requisition to its answer; after it the outcome is in doubt."""
    pull: Annotated[Duration, between("1s", "6h")] = timedelta(minutes=30)
    """For everything that one review reads."""


class CapSettings(Part):
    """How much one answer may hold."""

    page: Annotated[Size, from_to("64k", "1g")] = 128 * 1024**2
    """One page of rows, decompressed."""
    metadata: Annotated[Size, from_to("64k", "64m")] = 32 * 1024**2
    """One $metadata document."""
    pages: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """Pages of one read: a server that never stops paging is stopped."""


class LoadSettings(Part):
    """How hard the ERP may be asked."""

    concurrency: Annotated[int, Field(ge=1, le=16)] = 4
    """Reads in flight at once; requisitions are always sent one after the other."""
    page_size: Annotated[int, Field(ge=1, le=5000)] = 5000
    """Rows asked for at once; the ERP may give fewer."""
    call_budget: Annotated[int, Field(ge=10, le=1_000_000)] = 5_000
    """Calls that one review may make in all."""
    order_by_key: bool = True
    """Ask for rows in key order, so that pages do not overlap while stock moves."""
    inline_count: bool = True
    """Ask the ERP for its own row count, and refuse a pull that has fewer."""


class RequisitionSettings(Part):
    """What every requisition carries."""

    document_type: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,4}$")] = "NB"
    """The ERP's document type."""
    purchasing_organization: Plant | None = None
    """Sent with every line; none = left to the ERP."""
    purchasing_group: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,3}$")] | None = None
    """For items whose master data names none."""
    requisitioner: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,12}$")] = "REPLENISHD"
    """Who asks, as the buyer sees it."""
    description: Label = "replenishd"
    """Begins the text of every requisition."""


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
    """How the connector proves who it is."""
    ca_file: RefPath | None = None
    """PEM file of the authority that signed the gateway's certificate; none = the system's."""
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings)
    """How long one call may take."""
    caps: CapSettings = Field(default_factory=CapSettings)
    """How much one answer may hold."""
    load: LoadSettings = Field(default_factory=LoadSettings)
    """How hard the ERP may be asked."""
    pipeline_source: Literal["documents", "mrp"] = "documents"
    """Where open orders are read: purchasing documents, or the MRP service as single source."""
    requisition: RequisitionSettings = Field(default_factory=RequisitionSettings)
    """What every requisition carries."""
    unplanned_types: tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]{1,2}$")], ...] = ("ND", "X0")
    """Planning types under which nobody else plans an item; any other is warned about."""
