"""One request as the routes see it, one reply as they give it, and refusals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A parsed request: path parameters by name, the last value of each query field, the JSON body."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    organization: str
    params: Mapping[str, str] = field(default_factory=dict)

    def tree(self) -> Mapping[str, Any]:
        """Return the body as a JSON object; raises Problem 400 when it is none."""
        if not isinstance(self.body, dict):
            raise Problem(400, "invalid_request", "The request body must be a JSON object.")
        return self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a JSON value (or None for an empty body) and further headers."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self) -> bytes:
        """Return the body in bytes, compact UTF-8."""
        return b"" if self.body is None else encode(self.body)


class Problem(Exception):  # noqa: N818 - it is the service's answer, not an error of ours
    """A refusal with its status, machine code, message and the fields at fault."""

    def __init__(
        self, status: int, code: str, message: str, details: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers: tuple[tuple[str, str], ...] = ()

    def having(self, *headers: tuple[str, str]) -> "Problem":
        """Return the same refusal with these headers on its reply."""
        self.headers = headers
        return self


def absent(what: str) -> Problem:
    """Return the 404 for a resource that is not there, or not for this key."""
    return Problem(404, "not_found", f"The {what} does not exist.")


def invalid(*details: tuple[str, str]) -> Problem:
    """Return the 400 that names fields and issues, without their values."""
    listed = ", ".join(f"{name} ({issue})" for name, issue in details)
    return Problem(400, "invalid_request", f"The request is not valid: {listed}.", tuple(details))


def encode(tree: Any) -> bytes:
    """Write a JSON value as compact UTF-8."""
    return _WRITER.encode(tree).encode()


_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
