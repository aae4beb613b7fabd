"""The nodes of a site, who supplies whom, and which items are in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from connector.settings.parts import Item, Label, Organization, Part, Plant, Share

Items = Annotated[tuple[Item, ...], Field(max_length=1_000_000)]


class NodeSettings(Part):
    """One stocking location."""

    plant: Plant
    """The ERP's name of it. Quote names with leading zeros: "0010"."""
    label: Label = ""
    """What people call it."""
    supplied_by: Plant | None = None
    """The plant that supplies it; none = suppliers outside."""
    critical_ratio: Share | None = None
    """Wanted probability of not running out before the next delivery; none = the site's."""
    may_be_empty: bool = False
    """The plant may truly show no stock row; else that is taken for a missing authorisation."""
    purchasing_organization: Organization | None = None
    """Sent with every line of this plant; none = erp.requisition.purchasing_organization."""
    storage_location: Organization | None = None
    """Sent with every line of this plant; none = left to the ERP."""
    valuation_area: Plant | None = None
    """Where the plant's stock is valued; none = the plant itself."""


class ItemScope(Part):
    """Which items are reviewed."""

    include: Items = ()
    """Only these; empty = all that the ERP shows in the plants."""
    exclude: Items = ()
    """Never these, whatever `include` says."""


class NetworkSettings(Part):
    """The site as a network."""

    nodes: Annotated[tuple[NodeSettings, ...], Field(min_length=1, max_length=500)]
    """Every plant that is reviewed."""
    items: ItemScope = Field(default_factory=ItemScope)
    """Which items are reviewed."""
