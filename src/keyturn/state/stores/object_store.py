"""Store in a bucket of S3, Google Cloud Storage or Azure Blob Storage, through obstore."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore import exceptions as errors
from obstore.store import AzureStore, GCSStore, S3Store

from keyturn.model.diagnostic import DiagnosticError, storage_error
from keyturn.state.stores.base import NO_ETAG, LogLine, PreconditionFailed, StoredObject

JOURNAL_PREFIX = "journal/"
"""Key prefix of the journal objects."""


_CLOCK_KEY = "clock"
_MAX_CONCURRENT_READS = 32
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_RETRY_CONFIG = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
_TIMEOUTS = {"timeout": timedelta(seconds=30), "connect_timeout": timedelta(seconds=10)}

# The variables of the tools of each service that obstore supports.
_CONFIG_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_SERVER_SIDE_ENCRYPTION",
        "AWS_SSE_KMS_KEY_ID",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
    ),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_BASE_URL"),
    "az": (
        "AZURE_STORAGE_ACCOUNT_NAME",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_ENDPOINT",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_TENANT_ID",
        "AZURE_AUTHORITY_HOST",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_IDENTITY_ENDPOINT",
        "AZURE_USE_AZURE_CLI",
    ),
}
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "GOOGLE_BASE_URL", "AZURE_STORAGE_ENDPOINT")
_REQUIRED_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role (AWS_WEB_IDENTITY_TOKEN_FILE)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME with a key, a SAS token or a client of the tenant",
}

_T = TypeVar("_T")


class ObjectAccess(Protocol):
    """The methods of a store that ObjectLog calls."""

    def put(self, key: str, data: bytes, expect: str) -> str:
        """See ``StateStore.put``."""

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """See ``StateStore.list_keys``."""

    def read_all(self, keys: Sequence[str]) -> Iterable[bytes]:
        """Yield the content of the objects in the order of ``keys``."""


class ObjectLog:
    """A log in objects of lines; the mark of a line is the number of the first line in its object."""

    def __init__(self, objects: ObjectAccess) -> None:
        self._objects = objects

    def read(self, mark: int) -> Iterator[LogLine]:
        """Yield the lines of the object ``mark`` and of all later ones; see ``AppendLog.read``."""
        keys = self._objects.list_keys(JOURNAL_PREFIX, after=_object_key(mark - 1) if mark else "")
        for key, data in zip(keys, self._objects.read_all(keys), strict=True):
            first = _first_line_number(key)
            for line in data.splitlines(keepends=True):
                yield LogLine(first, line)

    def prepare_append(self, torn: int) -> None:
        """Do nothing: an object exists completely or not at all."""

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Create the object that starts with the line ``first``; see ``AppendLog.append``."""
        self._objects.put(_object_key(first), b"".join(lines), NO_ETAG)
        return first


def _object_key(first: int) -> str:
    return f"{JOURNAL_PREFIX}{first:012}.jsonl"


def _first_line_number(key: str) -> int:
    digits = key.removeprefix(JOURNAL_PREFIX).partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


class ObjectStore:
    """A store in a bucket.

    An etag consists of the entity tag, which S3 and Azure compare, and the version, which GCS compares.
    """

    def __init__(self, scheme: str, name: str, prefix: str, environment: Mapping[str, str]) -> None:
        self._scheme = scheme
        self._location = f"{scheme}://{name}/{prefix}".rstrip("/")
        self._objects = self._translate_errors(_connect_store, scheme, name, prefix, environment)

    @property
    def location(self) -> str:
        """The address of bucket and prefix."""
        return self._location

    def read(self, key: str) -> StoredObject | None:
        """Return the object, or None; see ``StateStore.read``."""
        try:
            found = self._translate_errors(obstore.get, self._objects, key)
            data = self._translate_errors(found.bytes)
        except _ObjectNotFound:
            return None
        return StoredObject(bytes(data), _version_token(found.meta), found.meta["last_modified"])

    def read_all(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield the content of the objects in order; fetches up to 32 at the same time."""
        # Not with obstore's coroutines: they complete on a thread of the library, and a process that exits
        # before that thread ends aborts.
        with ThreadPoolExecutor(min(_MAX_CONCURRENT_READS, len(keys)) or 1) as pool:
            for start in range(0, len(keys), _MAX_CONCURRENT_READS):
                try:
                    yield from pool.map(self._fetch_object, keys[start : start + _MAX_CONCURRENT_READS])
                except _ObjectNotFound:
                    raise self._missing_error() from None

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Write the object if its etag is ``expect``; see ``StateStore.put``."""
        tag, _, version = expect.partition("\n")
        condition = {name: value for name, value in (("e_tag", tag), ("version", version)) if value}
        mode = "create" if expect == NO_ETAG else condition
        try:
            return _version_token(self._translate_errors(obstore.put, self._objects, key, data, mode=mode))
        except _ObjectNotFound:
            raise self._missing_error() if expect == NO_ETAG else PreconditionFailed() from None
        except (errors.AlreadyExistsError, errors.PreconditionError):
            # If the response was lost, the repeated request finds the object that the first one wrote.
            found = self.read(key)
            if found is None or found.data != data:
                raise PreconditionFailed from None
            return found.etag

    def delete(self, key: str) -> None:
        """Delete the object; see ``StateStore.delete``."""
        with suppress(_ObjectNotFound):
            self._translate_errors(obstore.delete, self._objects, key)

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the keys; see ``StateStore.list_keys``."""
        folder = prefix.rpartition("/")[0]
        try:
            found = self._translate_errors(
                lambda: obstore.list(self._objects, folder or None, offset=after or None).collect()
            )
        except _ObjectNotFound:
            raise self._missing_error() from None
        return tuple(sorted(item["path"] for item in found if item["path"].startswith(prefix)))

    def current_time(self) -> datetime:
        """Return the time of the service, from an object that this call writes."""
        self._translate_errors(obstore.put, self._objects, _CLOCK_KEY, b"", mode="overwrite")
        modified: datetime = self._translate_errors(obstore.head, self._objects, _CLOCK_KEY)["last_modified"]
        return modified

    def announce_alive(self, _: str) -> Callable[[], None]:
        """Do nothing: a bucket cannot show whether a process is alive."""
        return lambda: None

    def is_holder_dead(self, _: str) -> bool:
        """Return False: unknown."""
        return False

    def open_log(self) -> ObjectLog:
        """Return the log in the journal objects."""
        return ObjectLog(self)

    def _fetch_object(self, key: str) -> bytes:
        return bytes(self._translate_errors(self._translate_errors(obstore.get, self._objects, key).bytes))

    def _translate_errors(self, call: Callable[..., _T], *args: Any, **options: Any) -> _T:
        try:
            return call(*args, **options)
        except FileNotFoundError:
            raise _ObjectNotFound from None
        except (errors.AlreadyExistsError, errors.PreconditionError):
            raise
        except (errors.PermissionDeniedError, errors.UnauthenticatedError):
            raise self._denied_error() from None
        except (errors.BaseError, ValueError, OSError):
            # The text of these errors may contain the URL of a request with a SAS token.
            raise self._unreachable_error() from None

    def _missing_error(self) -> DiagnosticError:
        hint = "create the bucket, or correct its name under `state:` in keyturn.yaml"
        return storage_error(
            "KT609", self._location, "the bucket does not exist, or an object was deleted", hint
        )

    def _denied_error(self) -> DiagnosticError:
        variables = _REQUIRED_VARIABLES[self._scheme]
        hint = f"check {variables}: keyturn reads, writes and lists objects below the prefix"
        return storage_error("KT605", self._location, "access to the bucket of the state is denied", hint)

    def _unreachable_error(self) -> DiagnosticError:
        variables = _REQUIRED_VARIABLES[self._scheme]
        hint = (
            f"check that it exists, the network, the endpoint (https; http only on loopback) and {variables}"
        )
        return storage_error("KT604", self._location, "the bucket of the state is unreachable", hint)


class _ObjectNotFound(Exception):
    pass


def _connect_store(scheme: str, name: str, prefix: str, environment: Mapping[str, str]) -> Any:
    kind = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[scheme]
    config = {key: value for key in _CONFIG_VARIABLES[scheme] if (value := environment.get(key))}
    hosts = [urlsplit(value).hostname for key in _ENDPOINT_VARIABLES if (value := config.get(key))]
    is_local = bool(hosts) and all(host in _LOOPBACK_HOSTS for host in hosts)
    return kind(
        name,
        prefix=prefix or None,
        config=config,
        client_options={**_TIMEOUTS, "allow_http": is_local},
        retry_config=_RETRY_CONFIG,
    )


def _version_token(meta: Mapping[str, Any]) -> str:
    return f"{meta['e_tag'] or ''}\n{meta['version'] or ''}"
