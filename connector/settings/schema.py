"""The settings told to editors and to people: JSON Schema and reference, both generated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic_core import PydanticUndefined

from connector.settings import shape
from connector.settings.effective import scalar
from connector.settings.root import Settings
from connector.settings.shape import Field
from connector.settings.site import LEFT_OUT

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration file, for editors."""
    return {"$schema": _DIALECT, **Settings.model_json_schema(), "title": "replenishd"}


def reference() -> str:
    """Return every setting with its default and meaning, as a Markdown table."""
    rows = [_row(name, field) for name, field in _settings(Settings, "")]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows]) + "\n"


def default_text(field: Field) -> str:
    """Return a default as it would be written in the file."""
    return scalar(shape.plain_default(field))


def _settings(kind: Any, prefix: str) -> Iterator[tuple[str, Field]]:
    for field in shape.fields_of(kind).values():
        name = f"{prefix}.{field.name}".removeprefix(".")
        if name.replace("[]", "") in LEFT_OUT:
            continue
        groups, entries = shape.groups_of(field)
        if not groups and not entries:
            yield name, field
        for each in groups:
            yield from _settings(each, f"{name}({_kind_of(each)})" if len(groups) > 1 else name)
        for each in entries:
            yield from _settings(each, f"{name}[]")


def _kind_of(group: Any) -> str:
    """Return the word that chooses this group among its alternatives."""
    return str(get_args(shape.fields_of(group)["kind"].kind)[0])


def _row(name: str, field: Field) -> str:
    default = "required" if field.default is PydanticUndefined else f"`{default_text(field)}`"
    meaning = " ".join(field.description.replace("|", "\\|").split())
    return f"| `{name}` | {default} | {meaning} |"
