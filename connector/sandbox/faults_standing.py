"""Standing faults: tables as a changed, broken or badly kept system would show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import orjson

from connector.sandbox.faults import Fault, Switchboard
from connector.sandbox.odata_columns import Mask
from connector.sandbox.odata_schema import EntitySet
from connector.sandbox.odata_table import Table
from connector.sandbox.views import Views

_UNITS = ("MaterialBaseUnit", "BaseUnit", "PurchaseOrderQuantityUnit")
_PLANTS = ("Plant", "MRPPlant", "ValuationArea")
_MATERIALS = ("Material", "Product")
_STOCK = "MatlWrhsStkQtyInMatlBaseUnit"


class ShownTables:
    """The world's tables with every standing fault applied, remade when either changes."""

    def __init__(self, views: Views, switchboard: Switchboard) -> None:
        self._views = views
        self._switchboard = switchboard
        self._tables: dict[str, tuple[tuple[int, int], Table]] = {}

    @property
    def version(self) -> tuple[int, int]:
        """Return what must be equal for two looks to have seen the same."""
        return self._views.changes, self._switchboard.changes

    def entity(self, entity: EntitySet) -> EntitySet:
        """Return an entity set's type as the faults leave it."""
        return drifted(entity, self._switchboard.standing(entity.name))

    def table(self, name: str) -> Table:
        """Return one entity set as callers see it."""
        version, table = self._tables.get(name, (None, None))
        if table is None or version != self.version:
            table = self._views.table(name)
            for fault in self._switchboard.standing(name):
                table = _tampered(table, fault)
            self._tables[name] = (self.version, table)
        return table


def drifted(entity: EntitySet, faults: Iterable[Fault]) -> EntitySet:
    """Return the type with properties removed or renamed."""
    for fault in faults:
        if fault.kind in {"property_removed", "property_renamed"}:
            entity = entity.without(fault.options["property"], fault.options.get("to", ""))
    return entity


def _tampered(table: Table, fault: Fault) -> Table:
    return _TAMPER.get(fault.kind, _set_value)(table, fault)


def _drift(table: Table, fault: Fault) -> Table:
    return table.derived(drifted(table.entity, [fault]), None)


def _empty_plant(table: Table, fault: Fault) -> Table:
    return table.without_plants(frozenset([str(fault.options["plant"])]))


def _unknown_unit(table: Table, fault: Fault) -> Table:
    unit = orjson.dumps(fault.options.get("unit", "QQQ")).decode()
    return _planted(table, _UNITS, unit, fault)


def _negative_stock(table: Table, fault: Fault) -> Table:
    return _planted(table, (_STOCK,), f'"{fault.options.get("quantity", "-5")}"', fault)


def _missing_factor(table: Table, fault: Fault) -> Table:
    if "AlternativeUnit" not in table.entity.properties:
        return table
    boxes = table.column("AlternativeUnit").matches("eq", "BOX")
    return table.derived(table.entity, ~(boxes & _of_materials(table, fault)))


def _drop_rows(table: Table, fault: Fault) -> Table:
    return table.derived(table.entity, ~_where(table, fault.options.get("where", {})))


def _set_value(table: Table, fault: Fault) -> Table:
    name = str(fault.options["property"])
    if name not in table.entity.properties:
        return table
    mask = _where(table, fault.options.get("where", {}))
    return table.patched(name, mask, orjson.dumps(fault.options["value"]).decode())


_TAMPER: Mapping[str, Callable[[Table, Fault], Table]] = {
    "property_removed": _drift,
    "property_renamed": _drift,
    "empty_plant": _empty_plant,
    "unknown_unit": _unknown_unit,
    "negative_stock": _negative_stock,
    "missing_factor": _missing_factor,
    "drop_rows": _drop_rows,
    "set_value": _set_value,
}


def _planted(table: Table, names: tuple[str, ...], text: str, fault: Fault) -> Table:
    for name in names:
        if name in table.entity.properties:
            table = table.patched(name, _of_materials(table, fault), text)
    return table


def _of_materials(table: Table, fault: Fault) -> Mask:
    """Return the rows of the chosen materials, and of the chosen plant if one was named."""
    name = next((each for each in _MATERIALS if each in table.entity.properties), "")
    mask = np.zeros(table.length, dtype=np.bool_)
    if name:
        for material in fault.options.get("materials", ()):
            mask |= table.column(name).matches("eq", str(material))
    plant = next((each for each in _PLANTS if each in table.entity.properties), "")
    if plant and "plant" in fault.options:
        mask &= table.column(plant).matches("eq", str(fault.options["plant"]))
    return mask


def _where(table: Table, wanted: Mapping[str, Any]) -> Mask:
    mask = np.ones(table.length, dtype=np.bool_)
    for name, value in wanted.items():
        mask = mask & table.column(name).matches("eq", value)
    return mask
