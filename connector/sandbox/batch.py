"""$batch: many requests in one. The outer answer is 202 even when every part of it failed.

A changeset is all or nothing: the first refusal is the one answer for the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from connector.sandbox.faults import Fault
from connector.sandbox.odata_address import PREFIX, read_path, read_query
from connector.sandbox.odata_errors import GatewayError, bad_request, not_allowed
from connector.sandbox.odata_read import JSON, Answer, Look, Reader
from connector.sandbox.odata_write import HEADER, SERVICE, Writer

_BOUNDARY = re.compile(r'boundary="?([^";\s]+)"?')
_REQUEST = re.compile(rb"(\w+) (\S+) HTTP/1\.[01]")
_OURS = "ejjeeffe0"
_BREAK = b"\r\n"
_PARTS_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Inner:
    """One request inside a batch."""

    method: str
    target: str  # below the service's root
    body: bytes


Part = Inner | tuple[Inner, ...]  # a changeset is a tuple


def read_batch(body: bytes, content_type: str) -> list[Part]:
    """Return a batch's parts; raise GatewayError for what is no batch."""
    parts: list[Part] = []
    for head, content in _cut(body, content_type):
        if "multipart/mixed" in head:
            parts.append(tuple(_inner(each) for _, each in _cut(content, head)))
        else:
            parts.append(_inner(content))
    if not 0 < len(parts) <= _PARTS_MOST:
        msg = f"A batch has 1 to {_PARTS_MOST} parts, this one has {len(parts)}"
        raise bad_request(msg)
    return parts


def _cut(body: bytes, content_type: str) -> list[tuple[str, bytes]]:
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise bad_request("The multipart boundary is missing")
    pieces = body.replace(b"\r\n", b"\n").split(b"--" + match[1].encode())[1:-1]
    return [
        (head.decode("latin-1"), content)
        for head, _, content in (piece.lstrip(b"\n").partition(b"\n\n") for piece in pieces)
    ]


def _inner(content: bytes) -> Inner:
    match = _REQUEST.match(content.lstrip())
    if match is None:
        raise bad_request("A part of the batch is no HTTP request")
    _, _, body = content.lstrip().partition(b"\n\n")
    target = match[2].decode("ascii", "replace").partition(PREFIX + SERVICE.name)[2]
    return Inner(
        method=match[1].decode().upper(),
        target=(target or match[2].decode("ascii", "replace")).lstrip("/"),
        body=body.strip(),
    )


class Batch:
    """Answers a batch part by part."""

    def __init__(self, reader: Reader, writer: Writer, look: Look) -> None:
        self._reader = reader
        self._writer = writer
        self._look = look

    def answer(self, parts: Sequence[Part], faults: Sequence[Fault]) -> Answer:
        """Answer every part; store what the changesets file."""
        told = b"".join(self._part(part, faults) for part in parts)
        return Answer(
            status=HTTPStatus.ACCEPTED,
            body=told + f"--{_OURS}--".encode() + _BREAK,
            content_type=f"multipart/mixed; boundary={_OURS}",
        )

    def _part(self, part: Part, faults: Sequence[Fault]) -> bytes:
        if isinstance(part, Inner):
            return _framed(_OURS, _told(self._read(part)))
        answers = self._changed(part, faults)
        if answers[0].status >= HTTPStatus.BAD_REQUEST:
            return _framed(_OURS, _told(answers[0]))
        inside = f"{_OURS}1"
        body = b"".join(_framed(inside, _told(each)) for each in answers)
        head = f"Content-Type: multipart/mixed; boundary={inside}\r\n\r\n".encode()
        return f"--{_OURS}\r\n".encode() + head + body + f"--{inside}--\r\n\r\n".encode()

    def _read(self, inner: Inner) -> Answer:
        path, _, query = inner.target.partition("?")
        try:
            if inner.method != "GET":
                raise not_allowed("Only GET may stand outside a changeset")
            whole = f"{PREFIX}{self._look.address.service}/{path}"
            look = replace(
                self._look,
                address=read_path(whole),
                query=read_query(query),
                path=whole,
                json=True,
            )
            return self._reader.answer(look)
        except GatewayError as error:
            return Answer(status=error.status, body=error.json())

    def _changed(self, inners: Sequence[Inner], faults: Sequence[Fault]) -> list[Answer]:
        """File a changeset's requisitions, or none of them."""
        try:
            for inner in inners:
                if (inner.method, inner.target) != ("POST", HEADER):
                    raise not_allowed(f"'{inner.method} {inner.target}' cannot be changed here")
            accepted = [self._writer.accept(self._look, each.body, faults) for each in inners]
        except GatewayError as error:
            return [Answer(status=error.status, body=error.json())]
        numbers = [self._writer.store(each) for each in accepted]
        return [
            self._writer.created(self._look, each, number)
            for each, number in zip(accepted, numbers, strict=True)
        ]


def _told(answer: Answer) -> bytes:
    """Return an answer as it stands inside a batch."""
    words = HTTPStatus(answer.status).phrase
    head = f"HTTP/1.1 {answer.status} {words}\r\nContent-Type: {answer.content_type or JSON}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    head += f"Content-Length: {len(answer.body)}\r\n\r\n"
    return head.encode("latin-1", "replace") + answer.body


def _framed(boundary: str, content: bytes) -> bytes:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return f"--{boundary}\r\n{head}".encode() + content + _BREAK
