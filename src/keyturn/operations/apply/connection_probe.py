"""Connection tests: what would happen if a connection used these secrets now.

A test carries a stored credential to a host, so it is run only for pairs that were approved: of
what is live, or of what this apply writes.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import NotFound, ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.fields import FieldPath, Fields, format_path
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.model.results import redact_if_secret
from keyturn.operations.apply.context import ApplyContext
from keyturn.operations.apply.writes import merge_connection_fields
from keyturn.operations.parallel import map_parallel
from keyturn.planning.exposure import moved_destinations
from keyturn.planning.scope import SUCCESSOR_INFIX
from keyturn.schema.definitions import is_destination

MAX_PARALLEL_TESTS = 4
"""How many connection tests run side by side: each is a real login at somebody's database."""

_WRITING_ACTIONS = frozenset({Action.UPDATE, Action.RENAME, Action.ADOPT})


class ConnectionTest(Struct, frozen=True):
    """A connection to be tested: its name for the reader, its id, its type, its fields with ids.

    With a ``refusal`` nothing is sent, and the test counts as failed. ``now`` is the same connection
    as it is live, where this apply is going to write it.
    """

    address: Address
    id: str
    type: str
    fields: Fields
    refusal: str = ""
    current: "ConnectionTest | None" = None


class ConnectionTestVerdict(Struct, frozen=True):
    """How a test ended; ``passed`` is true only for an explicit yes."""

    address: Address
    passed: bool
    message: str


def run_connection_tests(
    connection_tests: Iterable[ConnectionTest],
    context: ApplyContext,
    substitutes: Mapping[str, str] | None = None,
) -> list[ConnectionTestVerdict]:
    """Test connections side by side and return a verdict for each, sorted by address.

    ``stand_in`` maps the id of a credential to the id that is used in its place.
    """
    swapped = substitutes or {}

    def run_test(connection_test: ConnectionTest) -> ConnectionTestVerdict:
        fields = {
            path: swapped.get(leaf, leaf) if isinstance(leaf, str) else leaf
            for path, leaf in connection_test.fields.items()
        }
        return _send_test(connection_test, fields, context)

    return map_parallel(run_test, sorted(connection_tests, key=lambda each: each.address), MAX_PARALLEL_TESTS)


def _send_test(
    connection_test: ConnectionTest, fields: Fields, context: ApplyContext
) -> ConnectionTestVerdict:
    body_of = KINDS["connection"].encode_test
    if body_of is None:
        message = "connections can be tested"
        raise AssertionError(message)
    if connection_test.refusal:
        return ConnectionTestVerdict(connection_test.address, False, connection_test.refusal)
    try:
        result = context.run.service.test_connection(
            body_of(connection_test.type, fields, context.ids), redact=context.redactor
        )
    except ServiceError as error:
        if context.run.service.unauthorized:
            raise
        return ConnectionTestVerdict(
            connection_test.address, False, f"the test could not be run: {error.message}"
        )
    if result.ok is None:
        return ConnectionTestVerdict(connection_test.address, False, "the test said neither yes nor no")
    return ConnectionTestVerdict(connection_test.address, result.ok, redact_if_secret(result.message))


def find_dependents(change: Change, identity: str, context: ApplyContext) -> list[ConnectionTest]:
    """Return every connection that uses a credential or a successor of it, ours or not.

    One that this apply writes after the credential is tried as it will be: the new secret goes where
    git says, and not once more to the old place. All others are tried as they are live. Further
    references are hidden in a list without settings: of those, only our own are known.
    """
    former = change.entry.address if change.entry else change.address
    chain = {identity, *(heir.id for heir in unfinished_successors(change.address, context))}
    kind = KINDS["connection"]
    listed = [kind.decode(each) for each in context.run.service.list_records(kind.collection).records]
    ours = {
        known.id
        for known in context.entries.values()
        if former in known.applied.values() and known.address.kind == kind.name and not known.retired_at
    }
    users = [each for each in listed if each.id in ours or chain & set(each.fields.values())]
    # A list may lag behind, and is no proof that one of ours is not there.
    unseen = sorted(ours - {each.id for each in listed})
    whole = map_parallel(lambda each: _read_details(each, context), users, MAX_PARALLEL_TESTS)
    whole += [found for each in unseen if (found := _fetch_connection(each, context))]
    return [
        _as_planned(_build_current_test(each, context), each, (change, identity), context)
        for each in whole
        if chain & set(each.fields.values())
    ]


def _build_current_test(live: LiveObject, context: ApplyContext) -> ConnectionTest:
    return ConnectionTest(
        live.address,
        live.id,
        live.type,
        live.fields,
        _explain_refusal(_find_moved_destinations(live, context)),
    )


def _as_planned(
    connection_test: ConnectionTest, live: LiveObject, turned: tuple[Change, str], context: ApplyContext
) -> ConnectionTest:
    change, identity = turned
    own = context.changes.get(live.id)
    if (
        own is None
        or own.desired is None
        or own.action not in _WRITING_ACTIONS
        or change.address not in own.depends_on
    ):
        return connection_test
    ids = {**context.ids, change.address: identity}
    wanted = merge_connection_fields(own, own.desired, live)
    # What is still to be made has no id: the test goes without it.
    unmade = {path for path, leaf in wanted.items() if isinstance(leaf, Address) and leaf not in ids}
    fields = {
        path: ids[leaf] if isinstance(leaf, Address) else leaf
        for path, leaf in wanted.items()
        if path not in unmade
    }
    stray = [
        path
        for path in _find_moved_destinations(live, context)
        if path in wanted and path not in own.desired.fields
    ]
    return replace(connection_test, fields=fields, refusal=_explain_refusal(stray), current=connection_test)


def _find_moved_destinations(live: LiveObject, context: ApplyContext) -> tuple[FieldPath, ...]:
    known = context.entries.get(live.id)
    return moved_destinations(known, live, is_destination) if known else ()


def _explain_refusal(paths: Collection[FieldPath]) -> str:
    told = ", ".join(map(format_path, paths))
    return f"{told} is not as it was applied, so that no secret is sent there" if paths else ""


def unfinished_successors(address: Address, context: ApplyContext) -> tuple[StateEntry, ...]:
    """Return the successors of a credential that an earlier hand-over left behind."""
    return tuple(
        known
        for known in list(context.entries.values())
        if known.address.name.startswith(address.name + SUCCESSOR_INFIX) and not known.retired_at
    )


def _read_details(live: LiveObject, context: ApplyContext) -> LiveObject:
    if live.has_config:
        return live
    kind = KINDS["connection"]
    return kind.decode(context.run.service.read_record(kind.collection, live.id))


def _fetch_connection(identity: str, context: ApplyContext) -> LiveObject | None:
    kind = KINDS["connection"]
    try:
        return kind.decode(context.run.service.read_record(kind.collection, identity))
    except NotFound:
        return None
