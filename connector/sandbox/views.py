"""Every entity set of every service, made from the world when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connector.sandbox import (
    view_movements,
    view_orders,
    view_planning,
    view_products,
    view_requisitions,
    view_stock,
)
from connector.sandbox.lens import Lens
from connector.sandbox.odata_table import Table

_VIEWS: Mapping[str, Callable[[Lens], Table]] = {
    "A_MaterialStock": view_stock.material_stock,
    "A_MatlStkInAcctMod": view_stock.stock,
    "A_PurchaseOrder": view_orders.orders,
    "A_PurchaseOrderItem": view_orders.order_lines,
    "A_PurchaseOrderScheduleLine": view_orders.schedule,
    "A_MaterialDocumentHeader": view_movements.movements,
    "A_MaterialDocumentItem": view_movements.movement_lines,
    "A_PurchaseRequisitionHeader": view_requisitions.requisitions,
    "A_PurchaseRequisitionItem": view_requisitions.requisition_lines,
    "A_Product": view_products.products,
    "A_ProductPlant": view_products.product_plants,
    "A_ProductPlantProcurement": view_products.procurement,
    "A_ProductSupplyPlanning": view_products.supply_planning,
    "A_ProductUnitsOfMeasure": view_products.units_of_measure,
    "A_ProductValuation": view_products.valuation,
    "SupplyDemandItems": view_planning.supply_and_demand,
    "A_MRPMaterial": view_planning.mrp_materials,
}


class Views:
    """Tables of one world, remade only when the world changed."""

    def __init__(self, lens: Lens) -> None:
        self._lens = lens
        self._tables: dict[str, tuple[int, Table]] = {}

    @property
    def changes(self) -> int:
        """Return the world's change count: what was read under another one may be stale."""
        return self._lens.world.changes

    def table(self, entity_set: str) -> Table:
        """Return one entity set as it stands now."""
        at, table = self._tables.get(entity_set, (-1, None))
        if table is None or at != self.changes:
            table = _VIEWS[entity_set](self._lens)
            self._tables[entity_set] = (self.changes, table)
        return table
