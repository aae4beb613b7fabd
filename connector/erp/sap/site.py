"""What is particular about one site's SAP: its plants and the customizing we must be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import ConfigError

_PLANT_LENGTH = 4
_REQUISITIONER_LENGTH = 12
# Issues that a customer, a cost center or an order caused, and their reversals.
CONSUMPTION = frozenset(
    {
        *("201", "202", "221", "222", "231", "232", "241", "242", "251", "252", "261", "262"),
        *("281", "282", "291", "292", "331", "332", "333", "334", "601", "602", "633", "634"),
    }
)
# Receipts against an order that SAP counts as delivered. Not 103: it waits in blocked stock.
RECEIPTS = frozenset({"101", "102", "105", "106", "109", "110", "122", "123"})


@dataclass(frozen=True, kw_only=True)
class SapSite:
    """One site in one SAP system. Stock types and movements are SAP's own codes.

    Raises ConfigError where a value cannot be meant.
    """

    name: str
    plants: tuple[str, ...]
    time_zone: str = "UTC"
    history_days: int = 90  # of consumption and receipts kept and read at first
    pipeline_source: Literal["documents", "mrp"] = "documents"
    stock_available: frozenset[str] = frozenset({"01"})
    stock_in_transit: frozenset[str] = frozenset({"04", "05", "06"})
    stock_of_transfers: frozenset[str] = frozenset({"06"})  # issued for a transfer order
    stock_inspection: frozenset[str] = frozenset({"02"})
    stock_blocked: frozenset[str] = frozenset({"03", "07", "08", "09", "10"})
    special_stock: frozenset[str] = frozenset()  # counted besides own stock, e.g. {"K"}
    consumption_movements: frozenset[str] = CONSUMPTION
    receipt_movements: frozenset[str] = RECEIPTS
    blocking_statuses: frozenset[str] = frozenset({"01", "BP"})  # of plant or of all plants
    plants_without_stock: frozenset[str] = frozenset()  # may truly show no stock row at all
    valuation_areas: Mapping[str, str] = field(default_factory=dict)  # where not the plant itself
    requisition_type: str = "NB"
    requisitioner: str = "REPLENISHD"
    transfer_item_category: str = ""  # of a line with a supplying plant, "" = not sent
    purchasing_organizations: Mapping[str, str] = field(default_factory=dict)  # by plant
    storage_locations: Mapping[str, str] = field(default_factory=dict)  # by plant
    lines_per_requisition: int = 100
    repeatability: bool = False  # send RequestID, for systems with idempotency switched on

    def __post_init__(self) -> None:
        """Refuse plants, zones and names SAP could not hold."""
        if not self.plants or len(set(self.plants)) != len(self.plants):
            msg = f"site {self.name}: plants {list(self.plants)} are none, or named twice"
            raise ConfigError(msg, hint="name each plant of the site once")
        if any(not plant or len(plant) > _PLANT_LENGTH for plant in self.plants):
            msg = f"site {self.name}: a plant of {list(self.plants)} is not 1 to 4 characters"
            raise ConfigError(msg, hint="write plants as SAP does, for example '1710'")
        if not 0 < len(self.requisitioner) <= _REQUISITIONER_LENGTH:
            msg = (
                f"site {self.name}: requisitioner {self.requisitioner!r} is not 1 to 12 characters"
            )
            raise ConfigError(msg, hint="RequisitionerName holds 12 characters")
        if self.history_days < 1:
            msg = f"site {self.name}: history_days is {self.history_days}"
            raise ConfigError(
                msg, hint="at least 1; 90 tells demand and lead times apart from noise"
            )
        self.zone()

    def zone(self) -> ZoneInfo:
        """Return the time zone whose calendar the plants live by."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            msg = f"site {self.name}: unknown time zone {self.time_zone!r}"
            raise ConfigError(msg, hint="for example Europe/Berlin") from error

    def valuation_area(self, plant: str) -> str:
        """Return the area that values a plant's stock."""
        return self.valuation_areas.get(plant, plant)
