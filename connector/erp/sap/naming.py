"""Which of our lines a message of the ERP means: by our key, by item number, by material."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connector.erp.odata.errors import Message
from connector.erp.sap.requisition import item_number
from connector.ports import ErpMessage, RequisitionDocument

# A key predicate in a target: the line by its own key
_KEYED = re.compile(r"PurchaseRequisitionItem\s*=\s*'?0*(\d+)'?")
# In targets, in field names, in sentences: the word for a line, then its number
_NUMBERED = re.compile(
    r"(?i)(?:\bitem|preq_item|\bposition|\bpos\.|PurchaseReqnItem)\D{0,6}?0*(\d+)\b"
)
# A place in the list that was sent, counted from 0
_PLACED = re.compile(r"(?:PurchaseReqnItem|results)?[/\[](\d+)(?:[/\]]|$)")
_MATERIAL = re.compile(r"(?i)\b(?:material|product|article|artikel)\s*'?([^\s',;:]+)")
_WORD = re.compile(r"[^\s,;:'\"()]+")
_SHORTEST_NAME = 3  # a shorter material number stands for too many things in a sentence


def messages_of_lines(
    found: Iterable[Message], document: RequisitionDocument
) -> tuple[ErpMessage, ...]:
    """Return the ERP's messages, each with the key of the line it names, once per line named."""
    return tuple(
        ErpMessage(code=each.code, text=each.text, severity=each.severity, line_key=key)
        for each in found
        for key in _named(each, document) or ("",)
    )


def _named(message: Message, document: RequisitionDocument) -> tuple[str, ...]:
    pointers = f"{message.target} {message.field}"
    everything = f"{pointers} {message.text}"
    if keys := tuple(line.key for line in document.lines if line.key in everything):
        return keys
    numbers = {item_number(n): line.key for n, line in enumerate(document.lines)}
    for pattern, text in ((_KEYED, pointers), (_NUMBERED, pointers), (_NUMBERED, message.text)):
        if keys := tuple(numbers[n] for n in pattern.findall(text) if n in numbers):
            return tuple(dict.fromkeys(keys))
    places = [int(n) for n in _PLACED.findall(message.target)]
    if keys := tuple(document.lines[n].key for n in places if n < len(document.lines)):
        return tuple(dict.fromkeys(keys))
    return _by_material(message.text, document)


def _by_material(text: str, document: RequisitionDocument) -> tuple[str, ...]:
    said = {_canonical(name) for name in _MATERIAL.findall(text)}
    if not said & {line.item for line in document.lines}:
        words = map(_canonical, _WORD.findall(text))
        said = {word for word in words if len(word) >= _SHORTEST_NAME and word != document.node}
    return tuple(line.key for line in document.lines if line.item in said)


def _canonical(name: str) -> str:
    name = name.rstrip(".")
    return (name.lstrip("0") or "0") if name.isdigit() else name
