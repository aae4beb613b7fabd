"""Files requisitions with SAP, validates them, finds them again. Sends once; retries no send."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

import orjson
import polars as pl

from connector.erp.odata.csrf import Writer
from connector.erp.odata.fetch import Fetcher
from connector.erp.odata.gather import Rows
from connector.erp.odata.query import with_parameters
from connector.erp.odata.transport import AnswerLost, Transport, retry_after
from connector.erp.sap.document_reads import OUR_LINES
from connector.erp.sap.fields import REQUISITION_SERVICE
from connector.erp.sap.outcome import outcome
from connector.erp.sap.plan import REQUISITION_SET, VALIDATION
from connector.erp.sap.requisition import payload, refusals
from connector.erp.sap.site import SapSite
from connector.errors import ErpContractBroken, ErpUnavailable, ReplenishError, SnapshotUnfit
from connector.ports import (
    FiledLine,
    InDoubt,
    NotSent,
    PostOutcome,
    Rejected,
    RequisitionDocument,
)

if TYPE_CHECKING:
    from connector.erp.odata.connection import Connection
    from connector.erp.odata.transport import Call
    from connector.ports import Clock

_SCALE = 3


class SapPoster:
    """Posts one site's requisitions, one at a time, through a session of its own."""

    def __init__(
        self,
        connection: Connection,
        site: SapSite,
        clock: Clock,
        *,
        mode: Literal["validate", "live"],
        trace: Callable[[Call], None] | None = None,
    ) -> None:
        self.mode: str = mode
        self._site = site
        self._clock = clock
        self._connection = connection
        self._transport = Transport(connection, clock, trace=trace)
        self._fetcher = Fetcher(self._transport)
        self._writer = Writer(self._transport)
        self._one_at_a_time = threading.Lock()

    def post(self, document: RequisitionDocument) -> PostOutcome:
        """Send once and return what is certain about it; never raises for what the ERP does."""
        with self._one_at_a_time:
            self._transport.budget.begin()
            if refused := refusals(document, self._site, scale=_SCALE):
                return Rejected(messages=tuple(refused))
            try:
                self._require_validation()
                self._writer.prepare(REQUISITION_SERVICE)
            except ReplenishError as error:
                return NotSent(reason=str(error))
            return self._send(document)

    def find(self, keys: Sequence[str]) -> list[FiledLine]:
        """Return every line with one of these keys, deleted ones too.

        Raises ErpUnavailable, or ErpDenied and ErpContractBroken where asking again is no use.
        """
        if not keys:
            return []
        with self._one_at_a_time:
            self._transport.budget.begin()
            rows = self._lines(tuple(dict.fromkeys(keys)))
        tracking = pl.col("RequirementTracking").str.strip_chars().str.to_uppercase()
        tracked = rows.frame.with_columns(tracking)
        if tracked.height and (tracked["RequirementTracking"] == "").all():
            msg = "requisition lines came without RequirementTracking"
            raise ErpUnavailable(msg, hint="without it no line can be told from another")
        ours = tracked.filter(pl.col("RequirementTracking").is_in([key.upper() for key in keys]))
        return [_filed_line(row) for row in ours.iter_rows(named=True)]

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send(self, document: RequisitionDocument) -> PostOutcome:
        only_validate = self.mode == "validate"
        body = payload(document, self._site, scale=_SCALE, only_validate=only_validate)
        root = f"{self._connection.service_root(REQUISITION_SERVICE)}{REQUISITION_SET}"
        address = with_parameters(root, self._connection.fixed_parameters)
        try:
            answer = self._writer.post(
                REQUISITION_SERVICE, address, self._repeatability(document), orjson.dumps(body)
            )
        except (AnswerLost, ErpContractBroken) as error:
            return InDoubt(reason=str(error))
        except ReplenishError as error:  # it came before the write
            return NotSent(reason=str(error))
        waits = retry_after(answer, self._clock.now())
        return outcome(answer, document, waits=waits, only_validate=only_validate)

    def _lines(self, keys: tuple[str, ...]) -> Rows:
        try:
            rows = self._fetcher.fetch(OUR_LINES, {"keys": keys}).rows
        except SnapshotUnfit as error:
            raise ErpUnavailable(str(error)) from error
        if rows.unread.height:
            raw = rows.unread.row(0, named=True)
            msg = f"{raw['field']} of a requisition line reads {raw['raw']!r}"
            raise ErpUnavailable(msg, hint="nothing is certain until it can be read")
        return rows

    def _require_validation(self) -> None:
        """Refuse to validate with a service that would file: it must know the switch."""
        if self.mode != "validate":
            return
        known = self._fetcher.schema(REQUISITION_SERVICE).sets.get(REQUISITION_SET)
        if known is None or VALIDATION not in known.properties:
            msg = (
                f"{REQUISITION_SERVICE} knows no {VALIDATION}; it would file what is to be checked"
            )
            raise ErpContractBroken(msg, hint="use mode: shadow with this release")

    def _repeatability(self, document: RequisitionDocument) -> dict[str, str]:
        """Return the headers by which a system that is set up for it knows a repeat."""
        if not self._site.repeatability:
            return {}
        digest = hashlib.sha256(f"{self.mode}/{document.key}".encode()).hexdigest()
        moment = f"{self._clock.now():%Y-%m-%dT%H:%M:%S}"
        return {"RequestID": digest[:32].upper(), "RepeatabilityCreation": moment}


def _filed_line(row: dict[str, object]) -> FiledLine:
    return FiledLine(
        key=str(row["RequirementTracking"]),
        number=str(row["PurchaseRequisition"]),
        line=str(row["PurchaseRequisitionItem"]),
        node=str(row["Plant"]),
        item=str(row["Material"]),
        unit=str(row["BaseUnit"]),
        quantity=_exact(row["RequestedQuantity"], "RequestedQuantity"),
        ordered=_exact(row["OrderedQuantity"] or "0", "OrderedQuantity"),
        deleted=bool(row["IsDeleted"]),
        closed=bool(row["IsClosed"]),
    )


def _exact(text: object, name: str) -> Decimal:
    try:
        value = Decimal(str(text).strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        msg = f"{name} of a requisition line reads {text!r}"
        raise ErpUnavailable(msg, hint="nothing is certain until it can be read")
    return value
