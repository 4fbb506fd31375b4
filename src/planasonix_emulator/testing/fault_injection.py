"""ASGI middleware that logs each request and makes faults happen: before, in and after the request."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.access import too_many_requests
from planasonix_emulator.http.connection import BodyTooLargeError, ClientGoneError, HttpConnection, RawHeaders
from planasonix_emulator.http.messages import ApiError, strip_version
from planasonix_emulator.http.response_formats import select_format
from planasonix_emulator.testing.control_client import CONTROL_PREFIX
from planasonix_emulator.testing.faults import Fault, FaultRegistry, RequestFacts, is_write
from planasonix_emulator.testing.request_log import RequestLog
from planasonix_emulator.testing.ui_actions import edit_object

_TIMER_RESOLUTION = 0.001
"""Seconds by which an event loop can wake up late: its selector rounds up to milliseconds."""

Faults = Mapping[str, Fault]
"""The faults that one request meets, by kind."""


@dataclass(frozen=True, slots=True)
class CapturedResponse:
    """A response of the application, with raw headers without a content length."""

    status: int
    headers: RawHeaders
    body: bytes

    @classmethod
    def from_response(cls, response: Response) -> "CapturedResponse":
        """Return the content of a Starlette response."""
        return cls(response.status_code, _drop_length(response.raw_headers), bytes(response.body))


class FaultInjector:
    """Log each request, inject the faults that it meets, add the Date and X-Request-ID headers."""

    def __init__(
        self, app: ASGIApp, *, deployment: Deployment, faults: FaultRegistry, request_log: RequestLog
    ) -> None:
        self._app = app
        self._deployment = deployment
        self._registry = faults
        self._log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; requests of the control API meet no faults."""
        if scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        connection = HttpConnection(scope, receive, send)
        try:
            body = await connection.read_body()
        except ClientGoneError:
            return
        except BodyTooLargeError:
            error = ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "The body is too large.")
            await self._deliver(connection, self._format_error(error), {}, [self._date_header()])
            return
        await self._exchange(connection, body)

    async def _exchange(self, connection: HttpConnection, body: bytes) -> None:
        deployment, method, path = self._deployment, connection.scope["method"], connection.scope["path"]
        latency = deployment.settings.latency_ms / 1000
        due = asyncio.get_running_loop().time() + latency if latency else 0.0
        api_path = strip_version(path)
        write = is_write(method, api_path)
        entry = self._log.add_request(method, path, deployment.clock.now(), write=write)
        faults = self._match_faults(method, api_path, number=entry.number, write_number=entry.write)
        if faults and await _withhold_request(connection, faults):
            return
        response = self._refuse_request(faults, api_path)
        if response is None:
            with self._concurrent_changes(faults, api_path):
                response = await self._run_app(connection.scope, body)
                if "double_first" in faults:
                    await self._run_app(connection.scope, body)
                elif "double_second" in faults:
                    response = await self._run_app(connection.scope, body)
            entry.kept = write and response.status < HTTPStatus.BAD_REQUEST
            if response.status < HTTPStatus.BAD_REQUEST:
                self._edit(faults.get("edit_after"), api_path)
        if latency:
            await _sleep_until(due)
        response = self._replace_response(response, faults)
        if faults and await _withhold_response(connection, faults):
            return
        entry.status = response.status
        request_id = (b"x-request-id", b"req_%08d" % entry.number)
        await self._deliver(connection, response, faults, [self._date_header(), request_id])

    def _match_faults(self, method: str, path: str, *, number: int, write_number: int) -> Faults:
        facts = RequestFacts(method=method, path=path, number=number, write_number=write_number)
        return {fault.kind: fault for fault in self._registry.match_request(facts)}

    def _refuse_request(self, faults: Faults, path: str) -> CapturedResponse | None:
        self._edit(faults.get("edit_before"), path)
        limited, refused = faults.get("rate_limit"), faults.get("status_before")
        if limited is not None:
            headers = (("Retry-After", limited.retry_after),) if limited.retry_after else ()
            return self._format_error(too_many_requests(headers))
        return None if refused is None else self._format_fault(refused)

    @contextmanager
    def _concurrent_changes(self, faults: Faults, path: str) -> Iterator[None]:
        deployment, settings = self._deployment, self._deployment.settings
        if "ignore" in faults:
            deployment.settings = replace(settings, credential_put="ignore", connection_put="ignore")
        if "edit_inside" in faults:
            deployment.concurrent_edit = lambda: self._edit(faults["edit_inside"], path)
        try:
            yield
        finally:
            if "edit_inside" in faults:
                deployment.concurrent_edit = None
            if "ignore" in faults:
                deployment.settings = settings

    async def _run_app(self, scope: Scope, body: bytes) -> CapturedResponse:
        start: Message = {}
        pieces: list[bytes] = []

        async def receive() -> Message:  # the ASGI interface is asynchronous
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:  # the same
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                pieces.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return CapturedResponse(start["status"], _drop_length(start["headers"]), b"".join(pieces))

    def _replace_response(self, response: CapturedResponse, faults: Faults) -> CapturedResponse:
        if not faults:
            return response
        if "status_after" in faults:
            response = self._format_fault(faults["status_after"])
        elif "other_object" in faults and response.body:
            response = replace(response, body=_rename_objects(response.body))
        return replace(response, body=_replace_body(response.body, faults))

    async def _deliver(
        self, connection: HttpConnection, response: CapturedResponse, faults: Faults, headers: RawHeaders
    ) -> None:
        status, headers, body = response.status, [*headers, *response.headers], response.body
        slow = faults.get("slow_body")
        if "truncate_after" in faults:
            await (connection.send_truncated(status, headers, body) if body else connection.drop())
        elif slow is not None:
            pieces = max(slow.piece, 1)
            await connection.send_slowly(status, headers, body, piece_bytes=pieces, seconds=slow.seconds)
        else:
            await connection.send_response(status, headers, body)
        if "close_after" in faults:
            connection.close()

    def _edit(self, fault: Fault | None, path: str) -> None:
        if fault is not None:
            with suppress(ApiError):
                edit_object(self._deployment, fault.edit, path)

    def _format_fault(self, fault: Fault) -> CapturedResponse:
        headers = tuple(fault.headers.items())
        return self._format_error(ApiError(fault.status, fault.code, fault.message, headers=headers))

    def _format_error(self, error: ApiError) -> CapturedResponse:
        response = select_format(self._deployment.settings).respond_error(error)
        return CapturedResponse.from_response(response)

    def _date_header(self) -> tuple[bytes, bytes]:
        return (b"date", self._deployment.clock.http_date().encode())


async def _withhold_request(connection: HttpConnection, faults: Faults) -> bool:
    latency, hang = faults.get("latency"), faults.get("hang")
    if latency is not None:
        await asyncio.sleep(latency.seconds)
    if hang is not None:
        await connection.hang(hang.seconds)
        return not hang.seconds
    if "drop_before" in faults:
        await connection.drop()
        return True
    return False


async def _withhold_response(connection: HttpConnection, faults: Faults) -> bool:
    if "drop_after" in faults:
        await connection.drop()
        return True
    hang = faults.get("hang_after")
    if hang is not None:
        await connection.hang(hang.seconds)
        return not hang.seconds
    return False


async def _sleep_until(due: float) -> None:
    # The loop wakes up to a millisecond late, so the last millisecond is polled.
    read_time = asyncio.get_running_loop().time
    if (sleep := due - read_time() - _TIMER_RESOLUTION) > 0:
        await asyncio.sleep(sleep)
    while read_time() < due:  # noqa: ASYNC110  # a time is awaited, not an event
        await asyncio.sleep(0)


def _replace_body(body: bytes, faults: Faults) -> bytes:
    if "body_after" in faults:
        return faults["body_after"].body.encode()
    if "empty_after" in faults:
        return b""
    return body[:-1] + b"<" if "invalid_after" in faults and body else body


def _rename_objects(body: bytes) -> bytes:
    return json.dumps(_rename_object(json.loads(body))).encode()


def _rename_object(tree: object) -> object:
    if isinstance(tree, list):
        return [_rename_object(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        name: "somebody_else" if name in ("id", "name") and isinstance(value, str) else _rename_object(value)
        for name, value in tree.items()
    }


def _drop_length(headers: RawHeaders) -> RawHeaders:
    return [(name, value) for name, value in headers if name != b"content-length"]
