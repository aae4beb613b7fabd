"""One pull of a site: every read of the plan, then one picture. Complete, or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connector.erp.odata.answers import FORBIDDEN, NOT_FOUND, OK, UNAUTHORIZED, require_data
from connector.erp.odata.fetch import Fetcher
from connector.erp.odata.query import with_parameters
from connector.erp.odata.transport import Transport
from connector.erp.sap.fields import STOCK_SERVICE
from connector.erp.sap.item_reads import (
    FLAGGED_PRODUCTS,
    PRODUCT_PLANTS,
    STOCK,
    SUPPLY_PLANNING,
    VALUATION,
)
from connector.erp.sap.picture import Arrivals, picture
from connector.erp.sap.reading import Reading
from connector.erp.sap.site import SapSite
from connector.errors import ErpDenied
from connector.inventory.history import reread_from
from connector.inventory.snapshot import History, Snapshot

if TYPE_CHECKING:
    from connector.erp.odata.connection import Connection
    from connector.erp.odata.transport import Call
    from connector.ports import Clock

_JSON = {"Accept": "application/json"}


class SapReader:
    """Pulls snapshots of one site over OData V2. One pull at a time."""

    def __init__(
        self,
        connection: Connection,
        site: SapSite,
        clock: Clock,
        *,
        trace: Callable[[Call], None] | None = None,
    ) -> None:
        self._connection = connection
        self._site = site
        self._clock = clock
        self._transport = Transport(connection, clock, trace=trace)
        self._fetcher = Fetcher(self._transport)

    def server_time(self) -> datetime:
        """Return the ERP's clock; raise ErpDenied or ErpUnavailable when it does not let us in."""
        address = self._connection.service_root(STOCK_SERVICE)
        answer = self._transport.get(
            with_parameters(address, self._connection.fixed_parameters), _JSON
        )
        if answer.status in {OK, UNAUTHORIZED, FORBIDDEN} or answer.status > NOT_FOUND:
            require_data(answer)
        return answer.sent_at or self._clock.now()

    def pull(self, now: datetime, history: History) -> Snapshot:
        """Read everything the review needs, or raise; `history` is what earlier pulls left.

        Raises ErpUnavailable, ErpDenied (a plant shows nothing at all), ErpContractBroken or
        SnapshotUnfit (rows went missing, a limit was reached).
        """
        self._transport.budget.begin()
        erp_date = self.server_time().astimezone(self._site.zone()).date()
        since = erp_date - timedelta(days=self._site.history_days)
        reading = Reading(self._fetcher, self._site, reread_from(history, since))
        came = self._arrivals(reading)
        self._require_plants(came)
        made = picture(came, reading, history, erp_date, self._site)
        return Snapshot(
            site=self._site.name,
            taken_at=now,
            erp_date=erp_date,
            items=made.items,
            stock=made.stock,
            pipeline=made.pipeline,
            faults=made.faults,
            history=made.history,
            feeds=tuple(sorted(reading.feeds, key=lambda feed: feed.name)),
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _arrivals(self, reading: Reading) -> Arrivals:
        """Run the reads that do not wait for each other, as many at once as the limit allows."""
        tasks: dict[str, Callable[[], Any]] = {
            "movements": reading.movements,
            "stock": lambda: reading.rows(STOCK),
            "plants": lambda: reading.rows(PRODUCT_PLANTS),
            "planning": lambda: reading.rows(SUPPLY_PLANNING),
            "valuation": lambda: reading.optional(VALUATION),
            "headers": reading.order_headers,
            "flagged": lambda: reading.optional(FLAGGED_PRODUCTS),
        }
        if self._site.pipeline_source == "mrp":
            tasks["elements"] = reading.mrp_elements
        else:
            tasks |= {"orders": reading.order_lines, "requisitions": reading.requisitions}
        return Arrivals(**self._at_once(tasks))

    def _at_once(self, tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return every task's answer, or raise what the first one failed with."""
        with ThreadPoolExecutor(self._connection.concurrency, "sap-read") as threads:
            running = {name: threads.submit(task) for name, task in tasks.items()}
            done, _ = wait(running.values(), return_when=FIRST_EXCEPTION)
            failures = [error for future in done if (error := future.exception()) is not None]
            if failures:
                self._transport.budget.cancel()
                threads.shutdown(cancel_futures=True)
                raise failures[0]
        return {name: future.result() for name, future in running.items()}

    def _require_plants(self, came: Arrivals) -> None:
        """Refuse a plant that shows nothing: a missing authorisation looks just like that."""
        shown = set(came.plants.frame["Plant"].unique())
        if hidden := [plant for plant in self._site.plants if plant not in shown]:
            msg = f"the ERP shows no item of plant {', '.join(hidden)}"
            raise ErpDenied(msg, hint="authorise the user for the plant, or correct its number")
        stocked = set(came.stock.frame["Plant"].unique()) | self._site.plants_without_stock
        if bare := [plant for plant in self._site.plants if plant not in stocked]:
            msg = f"the ERP shows no stock row of plant {', '.join(bare)}"
            hint = "authorise the user for its stock; if it is truly empty: plants_without_stock"
            raise ErpDenied(msg, hint=hint)
