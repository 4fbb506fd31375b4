"""Faults on demand: which requests meet which fault. `fault_injection` makes the faults happen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from planasonix_emulator.settings import SettingsError

BEFORE_KINDS = ("latency", "hang", "drop_before", "status_before", "rate_limit", "edit_before", "ignore")
"""Kinds that take effect before anything is stored."""
INSIDE_KINDS = ("edit_inside", "double_first", "double_second")
"""Kinds that take effect in a request: an edit between the read of the object and its save, and a request
that arrives twice, answered by its first or its second response."""
AFTER_KINDS = (
    "edit_after",
    "status_after",
    "drop_after",
    "truncate_after",
    "invalid_after",
    "empty_after",
    "body_after",
    "hang_after",
    "slow_body",
    "close_after",
    "other_object",
)
"""Kinds that take effect after the result is stored, and change the response."""
WRITE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KINDS = BEFORE_KINDS + INSIDE_KINDS + AFTER_KINDS
_READING_POSTS = frozenset(
    f"/api/connections/{word}" for word in ("test", "test-query", "databricks/discover")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and the requests that meet it.

    `at` is the number of a request since the last reset, or with `among="writes"` the number of a write.
    Without `at`, the fault meets the `nth` request that matches `method` and `path` (a glob for the path from
    `/api` on) since the fault was added. It then meets `times` requests in a row, with 0 all of them.

    `seconds` is the delay of latency and hang (0: until the client closes) and between two pieces of
    slow_body, which have `piece` bytes. `retry_after` is sent as it is; "" sends no header. `body` is the
    response body of body_after. `edit` has a `change`, and an `id` unless the path names the object.
    """

    kind: str
    at: int = 0
    among: str = "all"
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int = 1
    status: int = 500
    code: str = "internal_error"
    message: str = "Something went wrong."
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: str = "1"
    seconds: float = 0.0
    piece: int = 1
    body: str = ""
    edit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What decides which faults a request meets: method, path from `/api` on, numbers in the request log."""

    method: str
    path: str
    number: int
    write_number: int


@dataclass(slots=True)
class _ArmedFault:
    fault: Fault
    matches: int = 0


class FaultRegistry:
    """The active faults, with the number of requests that each one matched."""

    def __init__(self) -> None:
        self._armed: list[_ArmedFault] = []

    def replace_faults(self, faults: Iterable[Fault]) -> None:
        """Replace all faults."""
        self._armed = [_ArmedFault(fault) for fault in faults]

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Add faults."""
        self._armed += [_ArmedFault(fault) for fault in faults]

    def match_request(self, facts: RequestFacts) -> tuple[Fault, ...]:
        """Return the faults that a request meets, and count its matches."""
        if not self._armed:
            return ()
        return tuple(armed.fault for armed in self._armed if _count_match(armed, facts))

    def list_faults(self) -> list[dict[str, Any]]:
        """Return the faults as JSON values, each with `met`, the number of matching requests."""
        return [{**_fault_to_json(armed.fault), "met": armed.matches} for armed in self._armed]


def parse_faults(trees: Any) -> tuple[Fault, ...]:
    """Parse a JSON list of faults; raises SettingsError."""
    if not isinstance(trees, list):
        raise SettingsError(of="faults", issue="must be a list of objects")
    return tuple(_parse_fault(tree) for tree in trees)


def is_write(method: str, path: str) -> bool:
    """Return whether a request can change an object; connection tests and queries are POSTs that cannot."""
    return method in WRITE_METHODS and path not in _READING_POSTS


def _count_match(armed: _ArmedFault, facts: RequestFacts) -> bool:
    fault = armed.fault
    if fault.method and fault.method != facts.method:
        return False
    if fault.path and not fnmatchcase(facts.path, fault.path):
        return False
    counts_writes = fault.among == "writes"
    if counts_writes and not is_write(facts.method, facts.path):
        return False
    armed.matches += 1
    if fault.at:
        number, first = facts.write_number if counts_writes else facts.number, fault.at
    else:
        number, first = armed.matches, fault.nth
    return number >= first and (not fault.times or number < first + fault.times)


def _fault_to_json(fault: Fault) -> dict[str, Any]:
    values = {each.name: getattr(fault, each.name) for each in fields(Fault)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


_DEFAULT = Fault(kind="")


def _parse_fault(tree: Any) -> Fault:
    if not isinstance(tree, Mapping):
        raise SettingsError(of="fault", issue="must be an object")
    if tree.get("kind") not in _KINDS:
        raise SettingsError(of="fault.kind", issue=f"must be one of {list(_KINDS)}")
    if tree.get("among", "all") not in ("all", "writes"):
        raise SettingsError(of="fault.among", issue="must be 'all' or 'writes'")
    return Fault(**{name: _parse_field(name, value) for name, value in tree.items()})


def _parse_field(name: str, value: Any) -> Any:
    if name not in Fault.__slots__:
        raise SettingsError(of="fault", issue=f"unknown field {name!r}")
    expected = type(getattr(_DEFAULT, name))
    if expected is dict and isinstance(value, Mapping):
        return MappingProxyType(dict(value))
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise SettingsError(of=f"fault.{name}", issue=f"must be of type {expected.__name__}")
    return value
