"""The ground of every model: frozen, unknown names refused, numbers strict, sizes bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from connector.erp.odata.connection import is_loopback as is_loopback_host
from connector.settings.shape import Referable


class Part(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        str_max_length=4096,
        validate_default=True,
        use_attribute_docstrings=True,
    )


def _as_name(value: Any) -> Any:
    """Take 1000 for "1000": the reader refused every number that would lose digits."""
    return str(value) if type(value) is int else value


def _canonical(value: str) -> str:
    """Write a material number of digits as the rest of the connector does: without zeros ahead."""
    return (value.lstrip("0") or "0") if value.isascii() and value.isdigit() else value


def is_loopback(url: str) -> bool:
    """Tell whether an address stays on this machine."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    return is_loopback_host(host)


def _address(value: str) -> str:
    """Accept an absolute http(s) address without credentials, query or fragment."""
    split = urlsplit(value)
    if split.scheme not in ("https", "http") or not split.hostname:
        msg = "write an absolute address: https://erp.example.com"
        raise ValueError(msg)
    if split.username or split.password or split.query or split.fragment:
        msg = "an address holds no user, password, query or fragment"
        raise ValueError(msg)
    if split.scheme == "http" and not is_loopback(value):
        msg = "http:// is for this machine only: anybody on the way could read and change it"
        raise ValueError(msg)
    return value.rstrip("/")


_bare = r"^[^\x00-\x1f\x7f]*$"
_name = BeforeValidator(_as_name)
_path_schema = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1024})

Text = Annotated[str, Field(max_length=1024, pattern=_bare), _name]
Label = Annotated[str, Field(max_length=80, pattern=_bare), _name]
Item = Annotated[
    str,
    Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(_canonical),
    _name,
]
Plant = Annotated[str, Field(pattern=r"^[^\s'\"\x00-\x1f]{1,4}$"), _name]
Organization = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,4}$"), _name]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,4}$"), _name]
RefText = Annotated[Text, Referable()]
Address = Annotated[str, AfterValidator(_address), Field(max_length=1024)]
RefAddress = Annotated[Address, Referable()]
FilePath = Annotated[
    Path,
    Field(strict=False),
    PlainSerializer(str, return_type=str),
    _path_schema,
]
RefPath = Annotated[FilePath, Referable()]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
