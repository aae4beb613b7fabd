"""Refusals as the Gateway words them: a status, a code, a message, and one entry per finding."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

import orjson


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One entry of `errordetails`."""

    code: str
    message: str
    severity: str = "error"  # error | warning | info
    target: str = ""
    propertyref: str = ""


class GatewayError(Exception):
    """The stand-in answers with an error document."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        findings: tuple[Finding, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.findings = findings
        self.headers = headers or {}

    def json(self) -> bytes:
        """Return the error document; the main message stands again among the details, as SAP's."""
        main = Finding(code=self.code, message=self.message)
        details = self.findings if main in self.findings else (main, *self.findings)
        return orjson.dumps(
            {
                "error": {
                    "code": self.code,
                    "message": {"lang": "en", "value": self.message},
                    "innererror": {
                        "application": {
                            "component_id": "MM-PUR",
                            "service_namespace": "/SAP/",
                            "service_version": "0001",
                        },
                        "transactionid": "0" * 32,
                        "timestamp": "",
                        "Error_Resolution": {
                            "SAP_Transaction": "",
                            "SAP_Note": "See SAP Note 1797736 for error analysis",
                        },
                        "errordetails": [
                            {
                                "ContentID": "",
                                "code": each.code,
                                "message": each.message,
                                "longtext_url": "",
                                "propertyref": each.propertyref,
                                "severity": each.severity,
                                "transition": False,
                                "target": each.target,
                            }
                            for each in details
                        ],
                    },
                }
            }
        )

    def xml(self) -> bytes:
        """Return the document that a caller gets who did not ask for JSON."""
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            '<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
            f'<code>{escape(self.code)}</code><message xml:lang="en">{escape(self.message)}'
            "</message></error>"
        ).encode()


def bad_request(message: str, code: str = "/IWFND/CM_MGW/005") -> GatewayError:
    """Return a 400: the request itself is wrong."""
    return GatewayError(400, code, message)


def not_found(message: str, code: str = "/IWBEP/CM_MGW_RT/020") -> GatewayError:
    """Return a 404."""
    return GatewayError(404, code, message)


def not_allowed(message: str) -> GatewayError:
    """Return a 405: this entity set cannot do that."""
    return GatewayError(405, "/IWFND/CM_MGW/096", message)
