"""The catalogue behind `odata_schema`: what each service really calls its things."""

from __future__ import annotations

from collections.abc import Mapping

_STOCK = {
    "A_MaterialStock": {
        "keys": "Material",
        "properties": "Material:S40 MaterialBaseUnit:S3",
        "ways": "to_MatlStkInAcctMod* -> A_MatlStkInAcctMod: Material",
    },
    "A_MatlStkInAcctMod": {
        "keys": (
            "Material Plant StorageLocation Batch Supplier Customer WBSElementInternalID SDDocument"
            " SDDocumentItem InventorySpecialStockType InventoryStockType"
        ),
        "properties": (
            "Material:S40 Plant:S4 StorageLocation:S4 Batch:S10 Supplier:S10 Customer:S10"
            " WBSElementInternalID:S8 SDDocument:S10 SDDocumentItem:S6 InventorySpecialStockType:S1"
            " InventoryStockType:S2 WBSElementExternalID:S24 MaterialBaseUnit:S3"
            " MatlWrhsStkQtyInMatlBaseUnit:D31.14"
        ),
        "ways": "to_MaterialStock -> A_MaterialStock: Material",
    },
}

_ORDERS = {
    "A_PurchaseOrder": {
        "keys": "PurchaseOrder",
        "properties": (
            "PurchaseOrder:S10 CompanyCode:S4 PurchaseOrderType:S4"
            " PurchasingDocumentDeletionCode:S1 PurchasingProcessingStatus:S2 CreatedByUser:S12"
            " CreationDate:DT LastChangeDateTime:DTO Supplier:S10 Language:S2"
            " PurchasingOrganization:S4 PurchasingGroup:S3 PurchaseOrderDate:DT DocumentCurrency:S5"
            " SupplyingPlant:S4 ReleaseIsNotCompleted:B PurchasingCompletenessStatus:B"
        ),
        "ways": "to_PurchaseOrderItem* -> A_PurchaseOrderItem: PurchaseOrder",
    },
    "A_PurchaseOrderItem": {
        "keys": "PurchaseOrder PurchaseOrderItem",
        "properties": (
            "PurchaseOrder:S10 PurchaseOrderItem:S5 PurchasingDocumentDeletionCode:S1"
            " PurchaseOrderItemText:S40 Plant:S4 StorageLocation:S4 MaterialGroup:S9"
            " PurchasingInfoRecord:S10 OrderQuantity:D13.3 PurchaseOrderQuantityUnit:S3"
            " OrderPriceUnit:S3 DocumentCurrency:S5 NetPriceAmount:D12.3 NetPriceQuantity:D5.0"
            " OverdelivTolrtdLmtRatioInPct:D3.1 UnlimitedOverdeliveryIsAllowed:B"
            " UnderdelivTolrtdLmtRatioInPct:D3.1 IsCompletelyDelivered:B IsFinallyInvoiced:B"
            " PurchaseOrderItemCategory:S1 AccountAssignmentCategory:S1 GoodsReceiptIsExpected:B"
            " InvoiceIsExpected:B SupplierConfirmationControlKey:S4 PurchaseRequisition:S10"
            " PurchaseRequisitionItem:S5 IsReturnsItem:B RequisitionerName:S12 Material:S40"
        ),
        "ways": (
            "to_PurchaseOrder -> A_PurchaseOrder: PurchaseOrder\n"
            "to_ScheduleLine* -> A_PurchaseOrderScheduleLine:"
            " PurchaseOrder=PurchasingDocument PurchaseOrderItem=PurchasingDocumentItem"
        ),
    },
    "A_PurchaseOrderScheduleLine": {
        "keys": "PurchasingDocument PurchasingDocumentItem ScheduleLine",
        "properties": (
            "PurchasingDocument:S10 PurchasingDocumentItem:S5 ScheduleLine:S4 DelivDateCategory:S1"
            " ScheduleLineDeliveryDate:DT PurchaseOrderQuantityUnit:S3"
            " ScheduleLineOrderQuantity:D13.3 ScheduleLineDeliveryTime:T"
            " SchedLineStscDeliveryDate:DT PurchaseRequisition:S10 PurchaseRequisitionItem:S5"
            " ScheduleLineCommittedQuantity:D13.3"
        ),
    },
}

_MOVEMENTS = {
    "A_MaterialDocumentHeader": {
        "keys": "MaterialDocumentYear MaterialDocument",
        "properties": (
            "MaterialDocumentYear:S4 MaterialDocument:S10 DocumentDate:DT PostingDate:DT"
            " CreationDate:DT CreationTime:T CreatedByUser:S12 MaterialDocumentHeaderText:S25"
            " ReferenceDocument:S16 GoodsMovementCode:S2"
        ),
        "ways": (
            "to_MaterialDocumentItem* -> A_MaterialDocumentItem:"
            " MaterialDocumentYear MaterialDocument"
        ),
    },
    "A_MaterialDocumentItem": {
        "keys": "MaterialDocumentYear MaterialDocument MaterialDocumentItem",
        "properties": (
            "MaterialDocumentYear:S4 MaterialDocument:S10 MaterialDocumentItem:S4 Material:S40"
            " Plant:S4 StorageLocation:S4 Batch:S10 GoodsMovementType:S3 InventoryStockType:S2"
            " InventorySpecialStockType:S1 PurchaseOrder:S10 PurchaseOrderItem:S5 Delivery:S10"
            " DeliveryItem:S6 MaterialBaseUnit:S3 QuantityInBaseUnit:D13.3 EntryUnit:S3"
            " QuantityInEntryUnit:D13.3 FiscalYear:S4 FiscalYearPeriod:S7"
            " IssuingOrReceivingPlant:S4 IsCompletelyDelivered:B Reservation:S10 ReservationItem:S4"
            " IsAutomaticallyCreated:S1 GoodsMovementIsCancelled:B ReversedMaterialDocumentYear:S4"
            " ReversedMaterialDocument:S10 ReversedMaterialDocumentItem:S4 DebitCreditCode:S1"
        ),
        "ways": (
            "to_MaterialDocumentHeader -> A_MaterialDocumentHeader:"
            " MaterialDocumentYear MaterialDocument"
        ),
    },
}

_REQUISITIONS = {
    "A_PurchaseRequisitionHeader": {
        "keys": "PurchaseRequisition",
        "properties": (
            "PurchaseRequisition:S10 PurchaseRequisitionType:S4 PurReqnDescription:S40"
            " SourceDetermination:B PurReqnDoOnlyValidation:B"
        ),
        "ways": "to_PurchaseReqnItem* -> A_PurchaseRequisitionItem: PurchaseRequisition",
        "allows": "create",
    },
    "A_PurchaseRequisitionItem": {
        "keys": "PurchaseRequisition PurchaseRequisitionItem",
        "properties": (
            "PurchaseRequisition:S10 PurchaseRequisitionItem:S5 PurchasingDocument:S10"
            " PurchasingDocumentItem:S5 PurReqnReleaseStatus:S2 PurchaseRequisitionType:S4"
            " PurchasingDocumentItemCategory:S1 PurchaseRequisitionItemText:S40"
            " AccountAssignmentCategory:S1 Material:S40 MaterialGroup:S9 RequestedQuantity:D13.3"
            " BaseUnit:S3 PurchaseRequisitionPrice:D12.3 PurReqnPriceQuantity:D5.0"
            " MaterialGoodsReceiptDuration:D3.0 PurchasingOrganization:S4 PurchasingGroup:S3"
            " Plant:S4 CompanyCode:S4 SupplyingPlant:S4 OrderedQuantity:D13.3 DeliveryDate:DT"
            " CreationDate:DT ProcessingStatus:S1 Supplier:S10 IsDeleted:S1 FixedSupplier:S10"
            " RequisitionerName:S12 CreatedByUser:S12 PurReqCreationDate:DT PurReqnItemCurrency:S5"
            " MaterialPlannedDeliveryDurn:D3.0 StorageLocation:S4 PurReqnOrigin:S1"
            " IsPurReqnBlocked:S1 IsClosed:B ReleaseIsNotCompleted:B RequirementTracking:S10"
            " MRPController:S3 PurchaseRequisitionIsFixed:B LastChangeDateTime:DTO"
            " PurReqnExternalReference:S35 PurReqnItemExternalReference:S10"
        ),
        "ways": "to_PurchaseReqn -> A_PurchaseRequisitionHeader: PurchaseRequisition",
        "allows": "update",
    },
}

_PRODUCTS = {
    "A_Product": {
        "keys": "Product",
        "properties": (
            "Product:S40 ProductType:S4 CrossPlantStatus:S2 CreationDate:DT LastChangeDate:DT"
            " IsMarkedForDeletion:B PurchaseOrderQuantityUnit:S3 ProductGroup:S9 BaseUnit:S3"
        ),
        "ways": (
            "to_Plant* -> A_ProductPlant: Product\n"
            "to_ProductUnitsOfMeasure* -> A_ProductUnitsOfMeasure: Product\n"
            "to_Valuation* -> A_ProductValuation: Product"
        ),
    },
    "A_ProductPlant": {
        "keys": "Product Plant",
        "properties": (
            "Product:S40 Plant:S4 PurchasingGroup:S3 ProfileCode:S2 GoodsReceiptDuration:D3.0"
            " IsMarkedForDeletion:B MRPType:S2 MRPResponsible:S3 ABCIndicator:S1"
            " MinimumLotSizeQuantity:D13.3 MaximumLotSizeQuantity:D13.3 FixedLotSizeQuantity:D13.3"
            " StockInTransferQuantity:D13.3 StockInTransitQuantity:D13.3 IsNegativeStockAllowed:B"
            " ProcurementType:S1 BaseUnit:S3"
        ),
        "ways": (
            "to_ProductSupplyPlanning -> A_ProductSupplyPlanning: Product Plant\n"
            "to_ProductPlantProcurement -> A_ProductPlantProcurement: Product Plant"
        ),
    },
    "A_ProductPlantProcurement": {
        "keys": "Product Plant",
        "properties": ("Product:S40 Plant:S4 IsAutoPurOrdCreationAllowed:B IsSourceListRequired:B"),
    },
    "A_ProductSupplyPlanning": {
        "keys": "Product Plant",
        "properties": (
            "Product:S40 Plant:S4 FixedLotSizeQuantity:D13.3 MaximumLotSizeQuantity:D13.3"
            " MinimumLotSizeQuantity:D13.3 LotSizeRoundingQuantity:D13.3 LotSizingProcedure:S2"
            " MRPType:S2 MRPResponsible:S3 SafetyStockQuantity:D13.3"
            " MinimumSafetyStockQuantity:D13.3 PlanningTimeFence:S3 ABCIndicator:S1"
            " MaximumStockQuantity:D13.3 ReorderThresholdQuantity:D13.3"
            " PlannedDeliveryDurationInDays:D3.0 TotalReplenishmentLeadTime:D3.0 ProcurementType:S1"
            " ProcurementSubType:S2 GoodsReceiptDuration:D3.0 BaseUnit:S3 RoundingProfile:S4"
            " LotSizeIndependentCosts:D12.3 MRPPlanningCalendar:S3 SrvcLvl:D3.1"
            " FollowUpProduct:S40 EffectiveOutDate:DT ProductIsToBeDiscontinued:S1 Currency:S5"
        ),
    },
    "A_ProductUnitsOfMeasure": {
        "keys": "Product AlternativeUnit",
        "properties": (
            "Product:S40 AlternativeUnit:S3 QuantityNumerator:D5.0 QuantityDenominator:D5.0"
            " BaseUnit:S3"
        ),
    },
    "A_ProductValuation": {
        "keys": "Product ValuationArea ValuationType",
        "properties": (
            "Product:S40 ValuationArea:S4 ValuationType:S10 ValuationClass:S4"
            " PriceDeterminationControl:S1 StandardPrice:D12.3 PriceUnitQty:D5.0"
            " InventoryValuationProcedure:S1 IsMarkedForDeletion:B MovingAveragePrice:D12.3"
            " Currency:S5 BaseUnit:S3"
        ),
    },
}

_PLANNING = {
    "SupplyDemandItems": {
        "type": "SupplyDemandItem",
        "keys": (
            "Material MRPArea MRPPlant MRPPlanningSegment MRPPlanningSegmentType"
            " MaterialShortageProfile"
        ),
        "properties": (
            "Material:S40 MRPArea:S10 MRPPlant:S4 MRPPlanningSegment:S20 MRPPlanningSegmentType:S2"
            " MaterialShortageProfile:S12 DemandCategoryGroup:S1 ReceiptCategoryGroup:S1"
            " MaterialBaseUnit:S3 MaterialExternalID:S40 MaterialSafetyStockQty:D13.3"
            " MRPElementOpenQuantity:D13.3 MRPAvailableQuantity:D13.3 MRPElement:S12"
            " MRPElementAvailyOrRqmtDate:DT MRPElementBusinessPartner:S10 MRPElementCategory:S2"
            " MRPElementDocumentType:S4 MRPElementIsPartiallyDelivered:B MRPElementIsReleased:B"
            " MRPElementItem:S6 MRPElementQuantityIsFirm:B MRPElementScheduleLine:S4"
            " SourceMRPElement:S12 SourceMRPElementCategory:S2 SourceMRPElementItem:S6"
            " SourceMRPElementScheduleLine:S4 StorageLocation:S4 MRPController:S3"
        ),
        "allows": "only_filtered",
    },
    "A_MRPMaterial": {
        "keys": "Material MRPPlant MRPArea",
        "properties": (
            "Material:S40 MRPPlant:S4 MRPArea:S10 MaterialName:S40 MaterialIsMarkedForDeletion:B"
            " PlntMatlIsMarkedForDeletion:B CrossPlantStatus:S2 BaseUnit:S3"
            " MaterialABCClassification:S1 PurchasingGroup:S3 MRPController:S3"
            " GoodsReceiptDuration:D3.0 MaterialPlannedDeliveryDurn:D3.0"
            " TotalReplenishmentLeadDuration:D3.0 ReorderThresholdQuantity:D13.3"
            " SafetyStockQuantity:D13.3 LotSizingProcedure:S2 MinimumLotSizeQuantity:D13.3"
            " MaximumLotSizeQuantity:D13.3 FixedLotSizeQuantity:D13.3"
            " MaterialMaxStockLevelQuantity:D13.3 LotSizeIndependentCosts:D12.3 Currency:S5"
            " PurOrderQtyRoundingQty:D13.3 RoundingProfile:S4 MRPPlanningCalendar:S3 MRPType:S2"
        ),
    },
}

CATALOGUE: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "API_MATERIAL_STOCK_SRV": _STOCK,
    "API_PURCHASEORDER_PROCESS_SRV": _ORDERS,
    "API_MATERIAL_DOCUMENT_SRV": _MOVEMENTS,
    "API_PURCHASEREQ_PROCESS_SRV": _REQUISITIONS,
    "API_PRODUCT_SRV": _PRODUCTS,
    "API_MRP_MATERIALS_SRV_01": _PLANNING,
}
