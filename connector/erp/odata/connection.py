"""Where an ERP is and how politely it is spoken to. Values only; secrets never show in a repr."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connector.errors import ConfigError

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Basic:
    """User and password, sent with each call."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key in a header, as API management wants it."""

    key: str = field(repr=False)
    header: str = "APIKey"


@dataclass(frozen=True, kw_only=True)
class OAuth2:
    """Client credentials: the secret goes into the body of the token call, never into a URL."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """Paths of a certificate and its key in PEM, for mutual TLS."""

    certificate_file: str
    key_file: str = field(repr=False)


Credentials = Basic | ApiKey | OAuth2


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One ERP as one user sees it, with every limit on what talking to it may cost.

    Raises ConfigError when the address is not one that credentials may be sent to.
    """

    base_url: str
    client: str = ""  # sap-client, "" = the server's default
    language: str = "EN"  # decides unit codes (PC or ST), so it is always said
    credentials: Credentials | None = None
    certificate: ClientCertificate | None = None
    ca_file: str = ""  # "" = the CA bundle that came with requests
    path_prefix: str = "/sap/opu/odata/sap"
    connect_timeout_seconds: float = 10.0
    silence_seconds: float = 60.0  # longest wait between two octets
    deadline_seconds: float = 180.0  # a whole call, headers and body, drip-fed or not
    pull_seconds: float = 1800.0  # all calls of one review together
    answer_octets: int = 256 * MEBIBYTE  # of one answer, unpacked
    calls_per_review: int = 2000
    concurrency: int = 4
    attempts: int = 4  # of one GET; a write is sent once
    retry_after_seconds: float = 60.0  # longest Retry-After obeyed
    page_size: int = 5000  # $top; 0 = the server decides
    pages_per_read: int = 10_000
    order_by_key: bool = True  # steady pages where rows come and go
    inline_count: bool = True  # ask for the server's own row count
    compression: bool = True  # accept gzip, unpacked under the same octet limit
    saml2_disabled: bool = False  # adds saml2=disabled, where a login page answers instead

    def __post_init__(self) -> None:
        """Refuse an address, a header or a limit that cannot be meant."""
        require_address(self.base_url, "connection.base_url")
        if isinstance(self.credentials, OAuth2):
            require_address(self.credentials.token_url, "connection.credentials.token_url")
        if not self.path_prefix.startswith("/"):
            msg = f"connection.path_prefix: {self.path_prefix!r} does not begin with a slash"
            raise ConfigError(msg, hint="for example /sap/opu/odata/sap")
        self._require_limits()

    def _require_limits(self) -> None:
        for name in (
            *("connect_timeout_seconds", "silence_seconds", "deadline_seconds", "pull_seconds"),
            *("answer_octets", "calls_per_review", "concurrency", "attempts", "pages_per_read"),
        ):
            value = getattr(self, name)
            if not value > 0:
                msg = f"connection.{name}: {value} is not above 0"
                raise ConfigError(msg, hint="leave it out for the default")
        if self.page_size < 0:
            msg = f"connection.page_size: {self.page_size} is below 0"
            raise ConfigError(msg, hint="0 lets the server decide")

    @property
    def root(self) -> str:
        """Return the address under which all services lie, without a closing slash."""
        return f"{self.base_url.rstrip('/')}{self.path_prefix.rstrip('/')}"

    def service_root(self, service: str) -> str:
        """Return a service's root, with the closing slash that token fetches need."""
        return f"{self.root}/{service}/"

    @property
    def fixed_parameters(self) -> tuple[tuple[str, str], ...]:
        """Return the query options every call carries."""
        fixed = (("sap-client", self.client), ("sap-language", self.language))
        saml = (("saml2", "disabled" if self.saml2_disabled else ""),)
        return tuple((name, value) for name, value in fixed + saml if value)


def require_address(address: str, where: str) -> None:
    """Refuse an address that would show credentials to the network or to a log."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"{where}: {parts.scheme or 'nothing'}:// is not an http(s) address with a host"
        raise ConfigError(msg, hint="for example https://erp.example:44300")
    if parts.username or parts.password or parts.query or parts.fragment:
        msg = f"{where}: the address of {parts.hostname} carries a user, a query or a fragment"
        raise ConfigError(msg, hint="credentials have their own place in the configuration")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        msg = f"{where}: plain http to {parts.hostname} would send credentials in clear"
        raise ConfigError(msg, hint="use https; http is for this machine's own loopback only")


def is_loopback(host: str) -> bool:
    """Tell whether a host can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
