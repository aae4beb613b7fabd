"""Material masters: products, plant data, planning parameters, prices, units."""

from __future__ import annotations

import numpy as np

from connector.sandbox.lens import Lens, Numbers, choice, day, flag, quantity, same
from connector.sandbox.odata_columns import At
from connector.sandbox.odata_made_columns import Fixed, Maker
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.odata_table import Table
from connector.twin.scenario import CENTRAL, UNITS

_SETS = SERVICES["API_PRODUCT_SRV"].sets
_PRICED_BY_HUNDRED = 17  # one material in so many is priced per 100 units
_CREATED = 730_000  # the day, long ago, when the masters were made


def products(lens: Lens) -> Table:
    """Return A_Product."""
    items = np.arange(lens.facts.items)
    length, boxed = len(items), lens.facts.box > 0
    return Table(
        _SETS["A_Product"],
        length,
        {
            "Product": lambda at: lens.material(items[at]),
            "ProductType": lambda _: same("HAWA", length),
            "CreationDate": lambda at: day(np.full(length, _CREATED)[at]),
            "LastChangeDate": lambda at: day(np.full(length, _CREATED)[at]),
            "CrossPlantStatus": lambda at: choice(("", "01"), lens.facts.discontinued[at]),
            "PurchaseOrderQuantityUnit": lambda at: choice(("", "BOX"), boxed[at]),
            "ProductGroup": lambda _: same("L001", length),
            "BaseUnit": lambda at: lens.unit(items[at]),
        },
    )


def product_plants(lens: Lens) -> Table:
    """Return A_ProductPlant."""
    facts = lens.facts
    length = len(facts.item)
    return Table(
        _SETS["A_ProductPlant"],
        length,
        {
            **_cell(lens),
            "PurchasingGroup": lambda at: lens.group(facts.item[at]),
            "ProfileCode": lambda at: choice(("", "01"), facts.discontinued[facts.item[at]]),
            "IsMarkedForDeletion": lambda at: flag(facts.discontinued[facts.item[at]]),
            "IsNegativeStockAllowed": lambda at: flag(facts.item[at] % 41 == 0),
            "StockInTransitQuantity": lambda at: quantity(lens.world.in_transit[at]),
        },
    )


def procurement(lens: Lens) -> Table:
    """Return A_ProductPlantProcurement."""
    length = len(lens.facts.item)
    return Table(
        _SETS["A_ProductPlantProcurement"],
        length,
        {
            "Product": lambda at: lens.material(lens.facts.item[at]),
            "Plant": lambda at: lens.plant(lens.facts.node[at]),
            "IsAutoPurOrdCreationAllowed": lambda _: Fixed("true", length),
        },
    )


def supply_planning(lens: Lens) -> Table:
    """Return A_ProductSupplyPlanning."""
    facts = lens.facts
    length = len(facts.item)

    def by_fixed_lot(at: At) -> Numbers:
        return facts.lot_fixed[at] > 0

    return Table(
        _SETS["A_ProductSupplyPlanning"],
        length,
        {
            **_cell(lens),
            "LotSizeRoundingQuantity": lambda at: quantity(facts.lot_multiple[at]),
            "LotSizingProcedure": lambda at: choice(("HB", "FX"), by_fixed_lot(at)),
            "SafetyStockQuantity": lambda at: quantity(facts.safety_stock[at]),
            "MaximumStockQuantity": lambda at: quantity(facts.maximum[at]),
            "ReorderThresholdQuantity": lambda at: quantity(facts.reorder_point[at]),
            "PlannedDeliveryDurationInDays": lambda at: quantity(facts.delivery_days[at], scale=0),
            "TotalReplenishmentLeadTime": lambda at: quantity(facts.lead_days[at], scale=0),
            "ProcurementSubType": lambda at: choice(("40", ""), facts.node[at] == CENTRAL),
            "SrvcLvl": lambda _: Fixed('"95.0"', length, decimal=True),
            "PlanningTimeFence": lambda _: same("000", length),
            "Currency": lambda _: same("EUR", length),
        },
    )


def _cell(lens: Lens) -> dict[str, Maker]:
    """Return what plant data and planning data have in common."""
    facts = lens.facts
    length = len(facts.item)
    return {
        "Product": lambda at: lens.material(facts.item[at]),
        "Plant": lambda at: lens.plant(facts.node[at]),
        "MRPType": lambda at: choice(("ND", "VB"), lens.world.planned[facts.node[at]]),
        "MRPResponsible": lambda _: same("001", length),
        "ABCIndicator": lambda at: choice(("A", "B", "C"), facts.item[at] % 3),
        "GoodsReceiptDuration": lambda at: quantity(facts.receipt_days[at], scale=0),
        "MinimumLotSizeQuantity": lambda at: quantity(facts.lot_minimum[at]),
        "MaximumLotSizeQuantity": lambda at: quantity(facts.lot_maximum[at]),
        "FixedLotSizeQuantity": lambda at: quantity(facts.lot_fixed[at]),
        "ProcurementType": lambda _: same("F", length),
        "BaseUnit": lambda at: lens.unit(facts.item[at]),
    }


def units_of_measure(lens: Lens) -> Table:
    """Return A_ProductUnitsOfMeasure: the base unit, and the box where there is one."""
    facts = lens.facts
    boxed = np.flatnonzero(facts.box > 0)
    items = np.r_[np.arange(facts.items), boxed]
    is_box = np.r_[np.zeros(facts.items, np.bool_), np.ones(len(boxed), np.bool_)]
    order = np.lexsort((is_box, items))
    items, is_box = items[order], is_box[order]
    named = ("BOX", *UNITS)
    return Table(
        _SETS["A_ProductUnitsOfMeasure"],
        len(items),
        {
            "Product": lambda at: lens.material(items[at]),
            "AlternativeUnit": lambda at: choice(
                named, np.where(is_box[at], 0, facts.unit[items[at]] + 1)
            ),
            "QuantityNumerator": lambda at: quantity(
                np.where(is_box[at], facts.box[items[at]], 1.0), scale=0
            ),
            "QuantityDenominator": lambda _: Fixed('"1"', len(items), decimal=True),
            "BaseUnit": lambda at: lens.unit(items[at]),
        },
    )


def valuation(lens: Lens) -> Table:
    """Return A_ProductValuation: standard or moving price, some of them per 100 units."""
    facts = lens.facts
    length = len(facts.item)

    def per(at: At) -> Numbers:
        return np.where(facts.item[at] % _PRICED_BY_HUNDRED == 0, 100.0, 1.0)

    def price(at: At) -> Numbers:
        return np.asarray(facts.price[facts.item[at]] * per(at))

    def by_standard(at: At) -> Numbers:
        return np.asarray(facts.item[at] % 2 == 0)

    return Table(
        _SETS["A_ProductValuation"],
        length,
        {
            "Product": lambda at: lens.material(facts.item[at]),
            "ValuationArea": lambda at: lens.plant(facts.node[at]),
            "ValuationType": lambda at: _nothing(length, at),
            "StandardPrice": lambda at: quantity(np.where(by_standard(at), price(at), 0.0)),
            "MovingAveragePrice": lambda at: quantity(price(at)),
            "PriceUnitQty": lambda at: quantity(per(at), scale=0),
            "InventoryValuationProcedure": lambda at: choice(("V", "S"), by_standard(at)),
            "Currency": lambda _: same("EUR", length),
            "BaseUnit": lambda at: lens.unit(facts.item[at]),
        },
    )


def _nothing(length: int, at: At) -> Fixed:
    """Return an empty key part: keys are never null."""
    del at
    return same("", length)
