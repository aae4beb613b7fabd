"""One pull of a site: every read of the plan, then one picture. Complete, or an error."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from connector.erp.odata.answers import require_data
from connector.erp.odata.fetch import Fetched, Fetcher
from connector.erp.odata.gather import Rows
from connector.erp.odata.query import with_parameters
from connector.erp.odata.transport import Transport
from connector.erp.sap import items as master
from connector.erp.sap import movements as moves
from connector.erp.sap.document_reads import MOVEMENTS, ORDERS
from connector.erp.sap.fields import STOCK_SERVICE
from connector.erp.sap.item_reads import (
    BASE_UNITS,
    FLAGGED_PRODUCTS,
    PRODUCT_PLANTS,
    STOCK,
    SUPPLY_PLANNING,
    UNITS,
    VALUATION,
)
from connector.erp.sap.open_documents import OpenDocuments
from connector.erp.sap.faults import together
from connector.erp.sap.pipeline import mrp_elements, mrp_lines, pipeline
from connector.erp.sap.site import SapSite
from connector.erp.sap.stock import Stock, stock, stock_lines
from connector.erp.sap.units import FACTORS, Units, base_units, factors, foreign
from connector.errors import ErpDenied
from connector.inventory.history import merge, reread_from
from connector.inventory.snapshot import Feed, History, Snapshot

if TYPE_CHECKING:
    from connector.erp.odata.connection import Connection
    from connector.erp.odata.transport import Call
    from connector.ports import Clock
