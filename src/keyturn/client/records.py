"""What the service shows: objects, lists, test results, as frozen values in one spelling."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from keyturn.model.diagnostic import Diagnostic
from keyturn.model.fields import FieldPath

NO_FIELDS: Mapping[Any, Any] = MappingProxyType({})


class ConfigEncoding(Struct, frozen=True):
    """How a deployment writes an object's settings (F4, F6 of the API notes).

    ``settings`` is the key: ``config``, ``params`` or ``parameters``. ``text``: its values are all text.
    """

    settings_key: str = "config"
    values_as_text: bool = False


DOCUMENTED_ENCODING = ConfigEncoding()
BACKEND_ENCODING = ConfigEncoding("params", values_as_text=True)


class ApiRecord(Struct, frozen=True, kw_only=True):
    """An object as the service shows it; times are RFC 3339 text, empty where it does not say.

    ``credential_id`` is None where the answer has no such field and empty where it is null. ``config``
    is None where the answer has no settings (an item of a list). Numbers are kept as JSON numbers.
    ``hidden`` are the paths (``("config", "password")``) that were taken out because they hold a mask
    (False) or what looks like a secret itself (True): they can be neither compared nor written back.
    ``extra`` are the fields not named here, to be echoed as they are. ``pending``: accepted, not done
    yet (202).
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
        """Whether it is in the trash: there, and yet absent."""
        return self.status == "deleted" or bool(self.deleted_at)

    @property
    def leaked_fields(self) -> tuple[FieldPath, ...]:
        """The paths at which the service showed what looks like a secret: a finding."""
        return tuple(path for path, shown in self.hidden.items() if shown)


class RecordList(Struct, frozen=True, kw_only=True):
    """A whole list. ``server_date`` is the service's clock (Unix) at the first page, None if not told."""

    records: tuple[ApiRecord, ...]
    server_date: float | None = None
    warnings: tuple[Diagnostic, ...] = ()
    pages: int = 1


class TestResponse(Struct, frozen=True, kw_only=True):
    """What a connection test said. ``ok`` is None where the answer says neither yes nor no: never a pass.

    ``message`` is the service's text, cut to 200 characters, without control characters, and with the
    secrets that the caller named taken out.
    """

    __test__ = False

    ok: bool | None
    latency_ms: float | None = None
    server_version: str = ""
    message: str = ""


class Organization(Struct, frozen=True, kw_only=True):
    """The organization that the key belongs to."""

    id: str
    name: str = ""
    slug: str = ""
    plan: str = ""


class RequestStats(Struct, frozen=True, kw_only=True):
    """Requests of a client: by verb, how many of them were repetitions, and seconds waited for the pace."""

    by_operation: Mapping[str, int]
    retries: int
    seconds_waited: float

    @property
    def total_requests(self) -> int:
        """All requests, repetitions included."""
        return sum(self.by_operation.values())
