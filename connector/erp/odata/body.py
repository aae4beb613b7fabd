"""Reading an answer's body: to its end, unpacked as it comes, never past the octet limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from connector.errors import ErpContractBroken

if TYPE_CHECKING:
    import requests

_CHUNK_OCTETS = 256 * 1024


class AnswerTooLarge(ErpContractBroken):
    """The answer went past the octet limit and was dropped."""


class AnswerCutOff(Exception):  # a situation, like the others
    """The packed body ended before its end."""


def whole_body(response: requests.Response, *, octets_max: int) -> bytes:
    """Return the unpacked body; raise AnswerTooLarge, AnswerCutOff or what the socket raised."""
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    chunks = response.raw.stream(_CHUNK_OCTETS, decode_content=False)
    if packing in {"", "identity"}:
        return _joined(chunks, octets_max)
    if packing in {"gzip", "x-gzip"}:
        return _unpacked(chunks, octets_max, lambda: zlib.decompressobj(16 + zlib.MAX_WBITS))
    if packing == "deflate":
        return _unpacked(chunks, octets_max, zlib.decompressobj)
    msg = f"the answer is packed as {packing}, which was not asked for"
    raise ErpContractBroken(msg, hint="set compression: false, or mend the proxy in between")


def _joined(chunks: Iterator[bytes], octets_max: int) -> bytes:
    kept: list[bytes] = []
    total = 0
    for chunk in chunks:
        total += len(chunk)
        _require_within(total, octets_max)
        kept.append(chunk)
    return b"".join(kept)


def _unpacked(
    chunks: Iterator[bytes], octets_max: int, unpacker: Callable[[], zlib._Decompress]
) -> bytes:
    kept: list[bytes] = []
    total = 0
    unpack = unpacker()
    for chunk in chunks:
        # One octet more than allowed is enough to know; a bomb never grows further.
        piece = unpack.decompress(chunk, octets_max - total + 1)
        total += len(piece)
        _require_within(total, octets_max)
        kept.append(piece)
    if not unpack.eof:
        msg = "the packed body ended early"
        raise AnswerCutOff(msg)
    return b"".join(kept)


def _require_within(total: int, octets_max: int) -> None:
    if total > octets_max:
        msg = f"the answer is larger than {octets_max} octets"
        raise AnswerTooLarge(msg, hint="lower page_size, or raise answer_octets")
