"""One pull of the strict SAP, and a look at some of its rows."""

from __future__ import annotations

import polars as pl
from sap_world import SITE, connection
from strict_sap import NOW

from connector.erp.sap.read import SapReader
from connector.inventory.snapshot import History


def pull(sap, clock, site=SITE, history=None, **changes):
    reader = SapReader(connection(sap, **changes), site, clock)
    try:
        return reader.pull(NOW, history or History())
    finally:
        reader.close()


def only(frame, **where):
    for name, value in where.items():
        frame = frame.filter(pl.col(name) == value)
    return frame.to_dicts()
