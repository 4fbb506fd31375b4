"""Connection tests during an apply: would the connections work with a given secret?

A test sends a stored credential to a host. It runs only for pairs of secret and destination that were
approved: live pairs, and pairs that this apply writes.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import NotFound, RequestRejected, ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import Action, Change
from keyturn.model.connection_failure import FailureReason
from keyturn.model.fields import FieldPath, Fields, format_path, has_any_text
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.operations.apply.context import ApplyContext
from keyturn.operations.apply.writes import merge_connection_fields
from keyturn.operations.parallel import map_parallel
from keyturn.planning.destination_record import moved_destinations
from keyturn.schema.definitions import is_destination

MAX_PARALLEL_TESTS = 4
"""Connection tests at the same time. Each one logs in to a real database."""

_WRITING_ACTIONS = frozenset({Action.UPDATE, Action.RENAME, Action.ADOPT})


class ConnectionTest(Struct, frozen=True, kw_only=True):
    """A connection to test; references in ``fields`` are IDs.

    A test with a ``refusal`` is not sent and counts as failed. ``current`` is a test of the live
    connection, set if this apply is going to write the connection.
    """

    address: Address
    id: str
    type: str
    fields: Fields
    refusal: str = ""
    current: "ConnectionTest | None" = None


class ConnectionTestVerdict(Struct, frozen=True, kw_only=True):
    """The result of a test; ``passed`` is True only if the service says so explicitly.

    ``inconclusive``: the test could not be run, which says nothing about the secret. ``failure_reason`` is
    meaningless for a test that passed.
    """

    address: Address
    passed: bool
    message: str
    inconclusive: bool = False
    failure_reason: FailureReason = FailureReason.UNKNOWN

    @property
    def is_waiting(self) -> bool:
        """Whether only the consent of a person is missing, which no change of a manifest can give."""
        return not self.passed and self.failure_reason is FailureReason.CONSENT

    @property
    def has_failed(self) -> bool:
        """Whether the test did not pass for another reason than a missing consent."""
        return not self.passed and not self.is_waiting


def run_connection_tests(
    connection_tests: Iterable[ConnectionTest],
    context: ApplyContext,
    substitutes: Mapping[str, str] | None = None,
) -> list[ConnectionTestVerdict]:
    """Run the tests in parallel and return a verdict for each, sorted by address.

    ``substitutes`` maps the ID of a credential to the ID to use instead.
    """
    ids = substitutes or {}

    def run_test(connection_test: ConnectionTest) -> ConnectionTestVerdict:
        fields = {
            path: ids.get(leaf, leaf) if isinstance(leaf, str) else leaf
            for path, leaf in connection_test.fields.items()
        }
        return _send_test(connection_test, fields, context)

    ordered = sorted(connection_tests, key=lambda connection_test: connection_test.address)
    return map_parallel(run_test, ordered, MAX_PARALLEL_TESTS)


def _send_test(
    connection_test: ConnectionTest, fields: Fields, context: ApplyContext
) -> ConnectionTestVerdict:
    encode_test = KINDS["connection"].encode_test
    if encode_test is None:
        message = "the connection kind has no test"
        raise AssertionError(message)
    if connection_test.refusal:
        return ConnectionTestVerdict(
            address=connection_test.address, passed=False, message=connection_test.refusal
        )
    try:
        result = context.run.service.test_connection(
            encode_test(connection_test.type, fields, context.ids), context.known_values
        )
    except ServiceError as error:
        if context.run.service.unauthorized:
            raise
        message = f"the test could not be run: {error.message}"
        return ConnectionTestVerdict(
            address=connection_test.address,
            passed=False,
            message=message,
            inconclusive=_is_inconclusive_error(error),
        )
    if result.ok is None:
        message = "the response does not say whether the test passed"
        return ConnectionTestVerdict(address=connection_test.address, passed=False, message=message)
    return ConnectionTestVerdict(
        address=connection_test.address,
        passed=result.ok,
        message=result.message,
        failure_reason=result.failure_reason,
    )


def _is_inconclusive_error(error: ServiceError) -> bool:
    # A rejected request has a cause that a repeated test does not remove.
    return not isinstance(error, RequestRejected)


def find_dependents(change: Change, credential_id: str, context: ApplyContext) -> list[ConnectionTest]:
    """Return a test for every connection that uses a credential or a successor of it.

    A connection that this apply writes after the credential is tested with its planned fields, so the
    new secret is not sent to the previous destination. Other connections are tested as they are live.
    Where a list omits the settings, a reference in them is known only for connections in the state.
    """
    former = change.entry.address if change.entry else change.address
    generations = {credential_id}
    generations.update(entry.id for entry in list_unfinished_successors(credential_id, context))
    kind = KINDS["connection"]
    managed = {
        entry.id
        for entry in context.entries.values()
        if former in entry.applied.values() and entry.address.kind == kind.name and not entry.retired_at
    }
    return [
        _build_test(live, change, credential_id, context)
        for live in _read_candidates(generations, managed, context)
        if has_any_text(live.fields, generations)
    ]


def _read_candidates(
    generations: Collection[str], managed: Collection[str], context: ApplyContext
) -> list[LiveObject]:
    kind = KINDS["connection"]
    listed = [kind.decode(record) for record in context.run.service.list_records(kind.collection).records]
    users = [live for live in listed if live.id in managed or has_any_text(live.fields, generations)]
    connections = map_parallel(lambda live: _read_details(live, context), users, MAX_PARALLEL_TESTS)
    # A list may lag, so a managed connection that is not listed may exist.
    unlisted = sorted(set(managed).difference(live.id for live in listed))
    return connections + [live for object_id in unlisted if (live := _read_if_exists(object_id, context))]


def _read_details(live: LiveObject, context: ApplyContext) -> LiveObject:
    if live.has_config:
        return live
    kind = KINDS["connection"]
    return kind.decode(context.run.service.read_record(kind.collection, live.id))


def _read_if_exists(object_id: str, context: ApplyContext) -> LiveObject | None:
    kind = KINDS["connection"]
    try:
        return kind.decode(context.run.service.read_record(kind.collection, object_id))
    except NotFound:
        return None


def _build_test(
    live: LiveObject, change: Change, credential_id: str, context: ApplyContext
) -> ConnectionTest:
    moved = _find_moved_destinations(live, context)
    current = ConnectionTest(
        address=live.address,
        id=live.id,
        type=live.type,
        fields=live.fields,
        refusal=_explain_refusal(moved),
    )
    own_change = context.changes.get(live.id)
    if own_change is None or own_change.desired is None or not _is_written_after(own_change, change):
        return current
    ids = {**context.ids, change.address: credential_id}
    planned = merge_connection_fields(own_change, own_change.desired, live)
    # An object that does not exist yet has no ID; the test leaves the reference out.
    fields = {
        path: ids[leaf] if isinstance(leaf, Address) else leaf
        for path, leaf in planned.items()
        if not isinstance(leaf, Address) or leaf in ids
    }
    unmanaged = [path for path in moved if path in planned and path not in own_change.desired.fields]
    return replace(current, fields=fields, refusal=_explain_refusal(unmanaged), current=current)


def _is_written_after(connection_change: Change, credential_change: Change) -> bool:
    return (
        connection_change.action in _WRITING_ACTIONS
        and credential_change.address in connection_change.depends_on
    )


def _find_moved_destinations(live: LiveObject, context: ApplyContext) -> tuple[FieldPath, ...]:
    entry = context.entries.get(live.id)
    return moved_destinations(entry, live, is_destination) if entry else ()


def _explain_refusal(paths: Collection[FieldPath]) -> str:
    names = ", ".join(map(format_path, paths))
    return f"{names} differs from the last apply, so no secret is sent there" if paths else ""


def list_unfinished_successors(object_id: str, context: ApplyContext) -> tuple[StateEntry, ...]:
    """Return the entries of the successors of an object that interrupted replacements left."""
    return tuple(entry for entry in list(context.entries.values()) if entry.replaced_id == object_id)
