"""XML from outside: no entities, no DOCTYPE, no network, a size limit."""

from __future__ import annotations

from typing import Any

from lxml import etree


class XmlRefused(ValueError):
    """The document is malformed, too large, or uses what an ERP never needs."""


def parse_xml(body: bytes, *, octets_max: int) -> etree._Element:
    """Return the root of a document, or raise XmlRefused."""
    if len(body) > octets_max:
        msg = f"the document has {len(body)} octets; {octets_max} are read"
        raise XmlRefused(msg)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        msg = f"the document is not well-formed: {error}"
        raise XmlRefused(msg) from error
    about: Any = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        msg = "the document declares a DOCTYPE"
        raise XmlRefused(msg)
    return root
