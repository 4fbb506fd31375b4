"""Objects, lists and test results of the service as frozen values, in one notation."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from keyturn.model.connection_failure import FailureReason
from keyturn.model.diagnostic import Diagnostic
from keyturn.model.fields import FieldPath

NO_FIELDS: Mapping[Any, Any] = MappingProxyType({})


class ConfigEncoding(Struct, frozen=True):
    """Notation of an object's settings in a deployment (F4, F6 of the API notes).

    ``settings_key`` is ``config``, ``params`` or ``parameters``. ``values_as_text``: all values are text.
    """

    settings_key: str = "config"
    values_as_text: bool = False


DOCUMENTED_ENCODING = ConfigEncoding()
BACKEND_ENCODING = ConfigEncoding("params", values_as_text=True)


class ApiRecord(Struct, frozen=True, kw_only=True):
    """An object as the service returns it; times are RFC 3339 text, empty if missing.

    ``credential_id`` is None if the response has no such field and empty if the field is null. ``config``
    is None if the response has no settings (an item of a list). Numbers are JSON numbers. ``hidden`` has
    the paths (``("config", "password")``) of removed values: False for a mask, True for a value that looks
    like a secret. Hidden fields can be neither compared nor written back. ``extra`` has all other fields
    unchanged. ``pending``: accepted but not applied yet (202).
    """

    id: str
    name: str = ""
    type: str = ""
    status: str = ""
    created_at: str = ""
    updated_at: str = ""
    deleted_at: str = ""
    credential_id: str | None = None
    config: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NO_FIELDS)
    hidden: Mapping[FieldPath, bool] = field(default_factory=lambda: NO_FIELDS)
    config_encoding: ConfigEncoding = DOCUMENTED_ENCODING
    pending: bool = False

    @property
    def is_deleted(self) -> bool:
        """Whether the object is in the trash."""
        return self.status == "deleted" or bool(self.deleted_at)

    @property
    def leaked_fields(self) -> tuple[FieldPath, ...]:
        """Paths at which the service returned a value that looks like a secret."""
        return tuple(path for path, is_leaked in self.hidden.items() if is_leaked)


class UnusableRow(Struct, frozen=True, kw_only=True):
    """A row of a list that cannot be decoded; ``number`` is its place in the list, counted from 1.

    ``name`` is that of the object, empty if it cannot be read.
    """

    collection: str
    number: int
    problem: str
    name: str = ""

    def __str__(self) -> str:
        return f"row {self.number:,} of {self.collection} cannot be used: {self.problem}"


class RecordList(Struct, frozen=True, kw_only=True):
    """A complete list. ``server_date`` is the service's clock (Unix) at the first page, None if unknown.

    ``records`` lack the ``unusable_rows``; ``warnings`` name them.
    """

    records: tuple[ApiRecord, ...]
    unusable_rows: tuple[UnusableRow, ...] = ()
    server_date: float | None = None
    warnings: tuple[Diagnostic, ...] = ()
    pages: int = 1


class TestResponse(Struct, frozen=True, kw_only=True):
    """The result of a connection test. ``ok`` is None without an explicit result; None never passes.

    ``message`` and ``server_version`` are rebuilt from safe words. ``failure_reason`` is that of the
    original message.
    """

    __test__ = False

    ok: bool | None
    latency_ms: float | None = None
    server_version: str = ""
    message: str = ""
    failure_reason: FailureReason = FailureReason.UNKNOWN


class Organization(Struct, frozen=True, kw_only=True):
    """The organization that the key belongs to."""

    id: str
    name: str = ""
    slug: str = ""
    plan: str = ""


class RequestStats(Struct, frozen=True, kw_only=True):
    """Requests of a client: count by operation, retries among them, seconds waited for the rate limit."""

    by_operation: Mapping[str, int]
    retries: int
    seconds_waited: float

    @property
    def total_requests(self) -> int:
        """All requests, with retries."""
        return sum(self.by_operation.values())
