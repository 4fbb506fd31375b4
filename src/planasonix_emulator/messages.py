"""One request as the routes see it, one reply as they give it, and refusals."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
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
            raise Problem(
                HTTPStatus.BAD_REQUEST, "invalid_request", "The request body must be a JSON object."
            )
        return self.body

    def number(self, name: str, default: int) -> int:
        """Return a query field that is a number from 1 on; raises Problem 400 for anything else."""
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
            raise invalid((name, "not a positive number"))
        return int(text)


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


def absent() -> Problem:
    """Return the 404 for an object that is not there, or not for this key."""
    return Problem(HTTPStatus.NOT_FOUND, "not_found", "The object does not exist.")


def invalid(*details: tuple[str, str]) -> Problem:
    """Return the 400 that names fields and issues, without their values."""
    listed = ", ".join(f"{name} ({issue})" for name, issue in details)
    return Problem(
        HTTPStatus.BAD_REQUEST, "invalid_request", f"The request is not valid: {listed}.", tuple(details)
    )


def encode(tree: Any) -> bytes:
    """Write a JSON value as compact UTF-8."""
    return _WRITER.encode(tree).encode()


_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
