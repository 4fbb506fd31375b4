"""Faults on demand: which request meets which trouble, before or after its work is done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from planasonix_emulator.settings import SettingsError

BEFORE = ("latency", "hang", "drop_before", "status_before", "rate_limit", "edit_before", "ignore")
"""Kinds that strike before anything is kept."""
INSIDE = ("edit_inside",)
"""Kinds that strike after a write read its object and before it keeps the result."""
AFTER = (
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
"""Kinds that strike once the work is kept, and spoil the answer."""
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_READING = frozenset(f"/api/connections/{word}" for word in ("test", "test-query", "databricks/discover"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One trouble and when it strikes.

    `at` counts all requests since the last reset, or with `among="writes"` those that `writes` knows.
    Without `at`, the fault strikes the `nth` request that fits `method` and `path` (a glob over the path from
    `/api` on) since the fault was set. Then it strikes `times` requests in a row, or for ever with 0.

    `seconds` is the wait of latency, hang (0: for ever) and, between two pieces of `piece` bytes, slow_body.
    `retry_after` is sent as written; "" sends none. `body` is what body_after answers, whatever it is. `edit`
    holds `change`, and `id`, unless the object is the one in the path.
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


@dataclass(slots=True)
class _Armed:
    fault: Fault
    met: int = 0


class Faults:
    """The faults that are set, and how often each was met."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def replace(self, faults: Iterable[Fault]) -> None:
        """Forget the faults that are set, and set these."""
        self._armed = [_Armed(fault) for fault in faults]

    def add(self, faults: Iterable[Fault]) -> None:
        """Set these faults too."""
        self._armed += [_Armed(fault) for fault in faults]

    def strike(self, method: str, path: str, numbers: tuple[int, int]) -> tuple[Fault, ...]:
        """Return the faults that this request meets; numbers are its places among all and among writes."""
        if not self._armed:
            return ()
        return tuple(armed.fault for armed in self._armed if _strikes(armed, method, path, numbers))

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults as JSON values, with `met`: how many fitting requests each has seen."""
        return [{**as_tree(armed.fault), "met": armed.met} for armed in self._armed]


def read_faults(trees: Any) -> tuple[Fault, ...]:
    """Read faults from a JSON list of objects; raises SettingsError."""
    if not isinstance(trees, list):
        raise SettingsError(of="faults", issue="are a list of objects")
    return tuple(_read(tree) for tree in trees)


def as_tree(fault: Fault) -> dict[str, Any]:
    """Return a fault as plain JSON values."""
    plain = {each.name: getattr(fault, each.name) for each in fields(Fault)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in plain.items()}


def writes(method: str, path: str) -> bool:
    """Tell whether a request may change something; tests and queries are POSTs that do not."""
    return method in WRITES and path not in _READING


def _strikes(armed: _Armed, method: str, path: str, numbers: tuple[int, int]) -> bool:
    fault = armed.fault
    if fault.method and fault.method != method:
        return False
    if fault.path and not fnmatchcase(path, fault.path):
        return False
    if fault.among == "writes" and not writes(method, path):
        return False
    armed.met += 1
    place, first = (numbers[fault.among == "writes"], fault.at) if fault.at else (armed.met, fault.nth)
    return place >= first and (not fault.times or place < first + fault.times)


_DEFAULT = Fault(kind="")


def _read(tree: Any) -> Fault:
    if not isinstance(tree, Mapping):
        raise SettingsError(of="fault", issue="is an object")
    if tree.get("kind") not in BEFORE + INSIDE + AFTER:
        raise SettingsError(of="fault", issue=f"is of a kind among {list(BEFORE + INSIDE + AFTER)}")
    if tree.get("among", "all") not in ("all", "writes"):
        raise SettingsError(of="fault", issue="is among 'all' or 'writes'")
    return Fault(**{name: _checked(name, value) for name, value in tree.items()})


def _checked(name: str, value: Any) -> Any:
    if name not in Fault.__slots__:
        raise SettingsError(of="fault", issue=f"has no {name!r}")
    wanted = type(getattr(_DEFAULT, name))
    if wanted is dict and isinstance(value, Mapping):
        return MappingProxyType(dict(value))
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise SettingsError(of=f"fault.{name}", issue=f"takes a value of type {wanted.__name__}")
    return value
