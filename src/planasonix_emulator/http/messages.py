"""Requests and responses of the API, and its errors."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """An authenticated request: path parameters, the last value of each query field, the JSON body."""

    query: Mapping[str, str]
    body: Any
    organization: str
    path_params: Mapping[str, str] = field(default_factory=dict)

    def json_object(self) -> Mapping[str, Any]:
        """Return the body; raises ApiError 400 unless the body is a JSON object."""
        if not isinstance(self.body, dict):
            raise ApiError(
                HTTPStatus.BAD_REQUEST, "invalid_request", "The request body must be a JSON object."
            )
        return self.body

    def positive_number(self, name: str, default: int) -> int:
        """Return a query field as a number; raises ApiError 400 unless the number is positive."""
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
            raise invalid_request((name, "not a positive number"))
        return int(text)


class ApiResponse(Response):
    """A response with a JSON value as its body; a 204 response has no body and no content type."""

    media_type = "application/json"

    def __init__(self, status: int, content: Any = None, headers: Headers = ()) -> None:
        self.has_body = status != HTTPStatus.NO_CONTENT and content is not None
        if not self.has_body:
            self.media_type = None  # type: ignore[assignment]  # Starlette then sends no content type
        super().__init__(content, status)
        self.raw_headers += encode_headers(headers)

    def render(self, content: Any) -> bytes:
        """Return the body in bytes: compact UTF-8."""
        return encode_json(content) if self.has_body else b""


class ApiError(Exception):
    """An error response: status, code, message, and the invalid fields with their issues."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: tuple[tuple[str, str], ...] = (),
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


def not_found() -> ApiError:
    """Return the 404 for an object that does not exist or that the key cannot read."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", "The object does not exist.")


def unknown_path() -> ApiError:
    """Return the 404 for a path that the API does not have."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", "There is no such path.")


def invalid_request(*details: tuple[str, str]) -> ApiError:
    """Return the 400 that names fields and issues, without values."""
    issues = ", ".join(f"{name} ({issue})" for name, issue in details)
    message = f"The request is not valid: {issues}."
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid_request", message, details)


def conflict_error(code: str, message: str, details: tuple[tuple[str, str], ...] = ()) -> ApiError:
    """Return a 409."""
    return ApiError(HTTPStatus.CONFLICT, code, message, details)


def encode_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Encode headers for ASGI: names in lower case."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def encode_json(value: Any) -> bytes:
    """Encode a JSON value as compact UTF-8."""
    return msgspec.json.encode(value)


def decode_json(body: bytes) -> Any:
    """Decode a request body, None if it is empty; raises ApiError 400 unless it is JSON of valid text."""
    if not body:
        return None
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
        if b"\\u" in body:
            encode_json(value)  # JSON allows half a surrogate pair, UTF-8 does not
    except (ValueError, RecursionError):
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "invalid_request", "The request body is not valid JSON."
        ) from None
    return value


def strip_version(path: str) -> str:
    """Return the path from `/api` on: `/v1/api` and `/api` lead to the same endpoints."""
    return path.removeprefix("/v1") if path.startswith("/v1/api/") else path


def _refuse_constant(constant: str) -> Any:
    raise ValueError(constant)
