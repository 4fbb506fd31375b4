"""Evidence that a live object was made by a create request whose response was lost.

Rule: without an ID from a response, an object belongs to a request only if its name, type, creation time
and all plain fields are those of the request. A name alone is no evidence.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from keyturn.client.errors import NotFound
from keyturn.kinds.connection import CREDENTIAL_PATH
from keyturn.model.address import Address
from keyturn.model.clock import parse_timestamp
from keyturn.model.fields import Leaf, format_path, values_equal
from keyturn.model.resource import LiveObject
from keyturn.schema.definitions import select_sealed_paths
from keyturn.state.events import Intent

CREATION_WINDOW = timedelta(minutes=30)
"""The longest time between the intent and the creation: all attempts of a request, with their waits."""

_EMPTY_LEAVES: tuple[Leaf, ...] = (None, "", [], {})


class CreationSearch(Struct, frozen=True, kw_only=True):
    """The live objects that a create request may have made.

    ``proven`` were made by the request. ``doubtful`` have its name, and ``doubts`` says by ID why they may
    belong to somebody else.
    """

    proven: tuple[LiveObject, ...] = ()
    doubtful: tuple[LiveObject, ...] = ()
    doubts: Mapping[str, str] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no object has the name of the request."""
        return not (self.proven or self.doubtful)


def search_created(
    intent: Intent,
    live: Iterable[LiveObject],
    taken: frozenset[str],
    read_details: Callable[[LiveObject], LiveObject] = lambda live: live,
) -> CreationSearch:
    """Return the live objects that the request of a create intent may have made.

    IDs in ``taken`` are left out, and objects that are older than the intent. If the intent has the ID of
    a response, only that object counts. ``read_details`` returns a listed object with its fields.
    """
    proven: list[LiveObject] = []
    doubtful: list[LiveObject] = []
    doubts: dict[str, str] = {}
    for listed in live:
        if not _may_be_created(intent, listed, taken):
            continue
        try:
            found = read_details(listed)
        except NotFound:  # It was deleted after it was listed.
            continue
        doubts[found.id] = explain_doubt(intent, found)
        (doubtful if doubts[found.id] else proven).append(found)
    return CreationSearch(proven=tuple(proven), doubtful=tuple(doubtful), doubts=doubts)


def explain_doubt(intent: Intent, live: LiveObject) -> str:
    """Return why an object is not provably made by the request of an intent; empty if it is.

    An intent of an earlier version, without a type, proves nothing. Times are those of the service's clock.
    """
    start, created = parse_timestamp(intent.server_date), _find_creation_time(live)
    if not intent.type or start is None:
        return "the journal does not say what was sent and when"
    if created is None:
        return "the service does not say when it was created"
    if created > start + CREATION_WINDOW:
        return "it was created long after the request"
    if live.type != intent.type:
        return "it has another type"
    if intent.object:
        return ""
    return _explain_difference(intent, live)


def _may_be_created(intent: Intent, live: LiveObject, taken: frozenset[str]) -> bool:
    name = intent.expect or intent.address.name
    if live.status == "deleted" or live.id in taken or live.address != Address(intent.address.kind, name):
        return False
    if intent.object and live.id != intent.object:
        return False
    start, created = parse_timestamp(intent.server_date), _find_creation_time(live)
    # The Date header has no fraction of a second.
    return start is None or created is None or created >= start.replace(microsecond=0)


def _find_creation_time(live: LiveObject) -> datetime | None:
    # The service gives connections no creation time: without a later write, that of the last write is it.
    return parse_timestamp(live.created_at or live.updated_at)


def _explain_difference(intent: Intent, live: LiveObject) -> str:
    different = {
        path for path, leaf in intent.fields.items() if not _is_stored_as(leaf, live.fields.get(path))
    }
    added = {path: leaf for path, leaf in live.fields.items() if path not in intent.fields}
    # A service may add defaults, but the request states each destination, identity and reference.
    different.update(select_sealed_paths(live.address.kind, live.type, added))
    different.update(path for path in added if path == CREDENTIAL_PATH)
    names = ", ".join(map(format_path, sorted(different)))
    return f"its {names} is not what was sent" if names else ""


def _is_stored_as(sent: Leaf, stored: Leaf) -> bool:
    # A service may trim texts, change their case, sort lists, and omit what is empty.
    if stored in _EMPTY_LEAVES:
        return sent in _EMPTY_LEAVES
    return values_equal(_normalize_value(sent), _normalize_value(stored))


def _normalize_value(value: object) -> object:
    if isinstance(value, str):
        return value.strip().casefold()
    if isinstance(value, list | tuple):
        return sorted(map(_normalize_value, value), key=str)
    if isinstance(value, Mapping):
        return {key: _normalize_value(item) for key, item in value.items()}
    return value
