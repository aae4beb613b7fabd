"""The catalogue: docs, configuration, metrics and explanations are read from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from connector.failsafes.declarations import DECLARED
from connector.failsafes.guard import LAYERS, Guard
from connector.failsafes.parameters import Parameter

CATALOGUE = {guard.id: guard for guard in DECLARED}


@dataclass(frozen=True, kw_only=True)
class CatalogueRow:
    """One parameter of one fail-safe, ready to print; a fail-safe without any has one row."""

    id: str
    name: str
    layer: str
    formula: str
    action: str
    version: int
    setting: str = ""  # limits.position_cap.clamp
    default: str = ""
    unit: str = ""
    bounds: str = ""
    means: str = ""


def catalogue_rows() -> Iterator[CatalogueRow]:
    """Yield the catalogue as a table, one row per parameter."""
    for guard in CATALOGUE.values():
        said = "/".join(action.name for action in sorted((*guard.milder, guard.action)))
        for each in guard.parameters or (None,):
            row = CatalogueRow(
                id=guard.id,
                name=guard.name,
                layer=LAYERS[guard.id[0]],
                formula=guard.formula,
                action=said,
                version=guard.version,
            )
            yield _with_parameter(row, guard, each) if each else row


def _with_parameter(row: CatalogueRow, guard: Guard, each: Parameter) -> CatalogueRow:
    listed = ", ".join(map(str, each.default)) if isinstance(each.default, tuple) else each.default
    numeric = each.high > each.low
    return replace(
        row,
        setting=f"limits.{guard.setting}.{each.name}",
        default="not set" if each.default is None else str(listed),
        unit=each.unit,
        bounds=f"{each.low:g} to {each.high:g}" if numeric else "",
        means=each.means,
    )
