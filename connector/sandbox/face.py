"""The SAP face: an ASGI application that answers as a Gateway does, and fails as told."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from connector.sandbox.access import SESSION_COOKIE, User
from connector.sandbox.batch import Batch, read_batch
from connector.sandbox.delivery import Parcel, deliver
from connector.sandbox.faults import BEFORE, DELIVERY, PAGE, WRITE, Fault, Occasion
from connector.sandbox.faults_early import early_answer
from connector.sandbox.odata_address import PREFIX, Address, read_path, read_query
from connector.sandbox.odata_errors import GatewayError, not_allowed
from connector.sandbox.odata_read import JSON, TEXT, Answer, Look
from connector.sandbox.odata_write import HEADER, SERVICE, Accepted
from connector.sandbox.system import System
from connector.sandbox.wire import hang_up

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TOKEN_PATH = "/sap/bc/sec/oauth2/token"  # noqa: S105 - an address
READING = {"GET", "HEAD"}
_WAIT_FOR_LATE = 0.001
_URL_MOST = 8192  # octets; web dispatchers take no more
_HTML = "text/html; charset=utf-8"


class Face:
    """Routes, admits, answers, delivers."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        if self._system.options.simulate_work_ms:
            await asyncio.sleep(self._system.options.simulate_work_ms / 1000)
        visit = _Visit(self._system, request, body, self._late)
        answer = await visit.answer()
        if answer is None:
            return
        faults = self._system.switchboard.fire(DELIVERY, visit.occasion)
        parcel = Parcel(
            answer=answer,
            now=self._system.now,
            habits=self._system.habits,
            is_head=request.method == "HEAD",
            takes_gzip="gzip" in request.headers.get("accept-encoding", ""),
            faults=faults,
        )
        await deliver(parcel, scope, send)


class _Visit:
    """One request."""

    def __init__(
        self, system: System, request: Request, body: bytes, late: set[asyncio.Task[None]]
    ) -> None:
        self._system = system
        self._request = request
        self._body = body
        self._late = late
        self._path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        said = request.headers.get("x-http-method", "")
        self.method = said.upper() if request.method == "POST" and said else request.method
        self.address: Address | None = None
        self.occasion = Occasion(service="", entity="", method=self.method)
        self._now = asyncio.get_running_loop().time()

    async def answer(self) -> Answer | None:
        """Return the answer, or None when the line was closed instead."""
        try:
            if len(self._path) + len(self._request.url.query) > _URL_MOST:
                return Answer(status=414, body=b"<html>URI too long</html>", content_type=_HTML)
            if self._path == TOKEN_PATH:
                return self._token()
            if not self._path.startswith(PREFIX):
                return Answer(status=404, body=b"<html>Not found</html>", content_type=_HTML)
            self.address = read_path(self._path)
            self.occasion = Occasion(
                service=self.address.service, entity=self.address.entity, method=self.method
            )
            self._system.requests[
                f"{self.method} {self.occasion.service}/{self.occasion.entity}"
            ] += 1
            return await self._through_faults(self.address)
        except GatewayError as error:
            return self._refused(error)

    def _refused(self, error: GatewayError) -> Answer:
        json = self._reads_json()
        return Answer(
            status=error.status,
            body=error.json() if json else error.xml(),
            content_type=JSON if json else "application/xml",
            headers=error.headers,
        )

    def _reads_json(self) -> bool:
        accept = self._request.headers.get("accept", "")
        return "json" in accept or "format=json" in self._request.url.query

    async def _through_faults(self, address: Address) -> Answer | None:
        for fault in self._system.switchboard.fire(BEFORE, self.occasion):
            if fault.kind == "slow":
                await asyncio.sleep(fault.says("delay_ms", 1000) / 1000)
            elif fault.kind == "reset":
                await hang_up(self._request.scope)
                return None
            elif fault.kind == "csrf_invalid":
                self._system.gate.forget_csrf()
            else:
                if fault.kind == "token_expired":
                    self._system.gate.revoke_tokens()
                return early_answer(fault)
        return await self._admitted(address)

    async def _admitted(self, address: Address) -> Answer | None:
        user = self._system.gate.admit(self._request.headers, self._now)
        query = dict(parse_qsl(self._request.url.query))
        if user is None or query.get("sap-client", "") not in {"", self._system.options.client}:
            realm = f"SAP NetWeaver Application Server [SBX/{self._system.options.client}]"
            return Answer(
                status=401,
                body=b"<html><head><title>Logon failed</title></head><body></body></html>",
                content_type=_HTML,
                headers={"www-authenticate": f'Basic realm="{realm}"'},
            )
        if self.method in READING:
            return self._read(address, user)
        cookies, token = self._request.cookies, self._request.headers.get("x-csrf-token", "")
        if not self._system.gate.may_change(cookies, token, self._now):
            return Answer(
                status=403,
                body=b"CSRF token validation failed",
                content_type=TEXT,
                headers={"x-csrf-token": "Required"},
            )
        return await self._change(address, user)

    def _look(self, address: Address, user: User, faults: list[Fault]) -> Look:
        scheme = self._request.url.scheme
        host = self._request.headers.get("host", "localhost")
        query = read_query(self._request.url.query)
        return Look(
            address=address,
            query=query,
            user=user,
            habits=self._system.habits,
            origin=f"{scheme}://{host}",
            path=self._path,
            json=query.wants_json or "json" in self._request.headers.get("accept", ""),
            faults=faults,
        )

    def _read(self, address: Address, user: User) -> Answer:
        last = address.segments[-1] if address.segments else None
        is_page = last is not None and last.key is None and not last.name.startswith("$")
        faults = self._system.switchboard.fire(PAGE, self.occasion) if is_page else []
        answer = self._system.reader.answer(self._look(address, user, faults))
        if self._request.headers.get("x-csrf-token", "").lower() != "fetch":
            return answer
        at_root = not address.segments and not address.has_slash
        if at_root and self._system.habits.root_slash == "needed":
            return answer
        session = self._system.gate.csrf_token(self._request.cookies, self._now)
        cookie = f"{SESSION_COOKIE}={session.cookie}; path=/; HttpOnly"
        fetched = {"x-csrf-token": session.csrf, "set-cookie": cookie}
        return Answer(
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
            headers={**answer.headers, **fetched},
        )

    async def _change(self, address: Address, user: User) -> Answer | None:
        if not user.may_write:
            msg = f"User {user.name} has no authorization for this activity"
            raise GatewayError(403, "/IWFND/MED/170", msg)
        if self.method == "POST" and address.entity == "$batch":
            return await self._batch(self._look(address, user, []))
        if not self._request.headers.get("content-type", "").startswith(JSON):
            raise GatewayError(415, "/IWFND/CM_MGW/415", "Unsupported media type requested")
        look = self._look(address, user, [])
        if self.method in {"PATCH", "MERGE", "PUT"} and len(address.segments) == 1:
            return self._system.writer.change(look, self._body)
        first = address.segments[0] if len(address.segments) == 1 else None
        is_create = self.method == "POST" and first is not None and first.key is None
        if not is_create or (address.service, address.entity) != (SERVICE.name, HEADER):
            msg = f"Method '{self.method}' not allowed for resource '{self._path}'"
            raise not_allowed(msg)
        return await self._create(look)

    async def _batch(self, look: Look) -> Answer | None:
        """Answer many requests at once; a fault may lose the answer to all of them."""
        parts = read_batch(self._body, self._request.headers.get("content-type", ""))
        faults = self._system.switchboard.fire(WRITE, self.occasion)
        answer = Batch(self._system.reader, self._system.writer, look).answer(parts, faults)
        for fault in faults:
            if fault.kind == "lost_answer":
                await hang_up(self._request.scope)
                return None
            if fault.kind == "error_after_commit":
                return early_answer(fault, status=500)
        return answer

    async def _create(self, look: Look) -> Answer | None:
        """File a requisition; the faults decide what the caller gets to know of it."""
        writer = self._system.writer
        faults = self._system.switchboard.fire(WRITE, self.occasion)
        kinds = {fault.kind: fault for fault in faults}
        accepted = writer.accept(look, self._body, faults)
        if "late_commit" in kinds:
            return await self._commit_late(accepted, kinds["late_commit"])
        failed = "update_task_failed" in kinds and not accepted.judged.only_validate
        number = writer.lose() if failed else writer.store(accepted)
        if "lost_answer" in kinds:
            await hang_up(self._request.scope)
            return None
        if "error_after_commit" in kinds:
            return early_answer(kinds["error_after_commit"], status=500)
        return writer.created(look, accepted, number, faults)

    async def _commit_late(self, accepted: Accepted, fault: Fault) -> Answer | None:
        """Store after the caller has given up, or was told that it failed."""
        task = asyncio.create_task(self._store_after(accepted, fault.says("delay_ms", 200) / 1000))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        await asyncio.sleep(max(_WAIT_FOR_LATE, fault.says("hold_ms", 0) / 1000))
        if "status" in fault.options:
            return early_answer(fault)
        await hang_up(self._request.scope)
        return None

    async def _store_after(self, accepted: Accepted, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._system.writer.store(accepted)

    def _token(self) -> Answer:
        """Grant an OAuth access token for client credentials."""
        form = dict(parse_qsl(self._body.decode("utf-8", "replace")))
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, value = self._request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                client, _, secret = base64.b64decode(value).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                client = ""
        granted = None
        if self.method == "POST" and form.get("grant_type") == "client_credentials":
            granted = self._system.gate.grant(client, secret, self._now)
        if granted is None:
            return Answer(status=401, body=orjson.dumps({"error": "invalid_client"}))
        token, seconds = granted
        told = {"access_token": token, "token_type": "Bearer", "expires_in": int(seconds)}
        return Answer(status=200, body=orjson.dumps(told))
