"""Connection tests on demand: in parallel, with a limit of failed logins for each credential.

A database may lock an account after a few failed logins, so connections that share a credential are
tested one after the other, up to that limit.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.client.records import TestResponse
from keyturn.client.service_text import KnownValues, collect_known_values
from keyturn.kinds.connection import encode_connection_test
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, ChangeOutcome, OutcomeStatus
from keyturn.model.connection_failure import (
    REASONS_BEFORE_LOGIN,
    FailureReason,
    hint_for_failure,
)
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath, Fields, format_path, nest_fields, values_equal
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.model.results import ConnectionTestResult, TestStatus
from keyturn.operations.observe import (
    MAX_PARALLEL_READS,
    check_organization,
    list_live_objects,
    read_details,
)
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.recovery import list_unconfirmed_objects, resolve_open_intents
from keyturn.operations.run_context import RunContext
from keyturn.planning.scope import matches_target
from keyturn.schema.definitions import destination_paths
from keyturn.state.reader import load_state

_CREDENTIAL_PATH = ("credential",)

_FAILED_STATUSES = frozenset({TestStatus.FAILED, TestStatus.UNCLEAR})


class ConnectionPair(Struct, frozen=True):
    """A live connection with the credentials that it was applied with.

    ``refusal`` is why it may not be tested, empty if it may. ``fields`` are the fields to test.
    """

    live: LiveObject
    credentials: tuple[Address, ...] = ()
    refusal: str = ""
    fields: Fields | None = None


def approved_pair(
    live: LiveObject, entries: Mapping[Address, StateEntry], credentials: Mapping[str, LiveObject]
) -> ConnectionPair:
    """Return the pair of a live connection, which must have its config.

    ``credentials`` are the live credentials by ID. The fields of the pair are the live fields, and
    the references that the API does not return.
    """
    entry = entries.get(live.address)
    if entry is None or entry.id != live.id:
        entry = next((each for each in entries.values() if each.id == live.id), None)
    if entry is None or entry.retired_at:
        return ConnectionPair(live, refusal="it is not in the state: keyturn never applied it")
    references = {path: leaf for path, leaf in entry.applied.items() if isinstance(leaf, Address)}
    used = tuple(sorted(set(references.values())))
    refusal = next(_explain_refusals(live, entry, references, entries, credentials), "")
    if refusal:
        return ConnectionPair(live, used, refusal)
    hidden = {path: leaf for path, leaf in references.items() if path not in live.fields}
    return ConnectionPair(live, used, fields={**live.fields, **hidden})


def _explain_refusals(
    live: LiveObject,
    entry: StateEntry,
    references: Mapping[FieldPath, Address],
    entries: Mapping[Address, StateEntry],
    credentials: Mapping[str, LiveObject],
) -> Iterator[str]:
    yield from _describe_drift(live, entry)
    is_shown = _CREDENTIAL_PATH in live.fields
    if is_shown and _CREDENTIAL_PATH not in entry.observed and _CREDENTIAL_PATH not in references:
        yield "it uses a credential that it was not applied with"
    for path, address in references.items():
        used = entries.get(address)
        if used is None or used.retired_at:
            yield f"{address} is no longer in the state"
        elif path in live.fields and live.fields[path] != used.id:
            yield f"it was applied with {address} and uses a different credential"
        elif used.id not in credentials or credentials[used.id].status == "deleted":
            yield f"{address} has no live object"
        else:
            yield from (f"{address}: {drift}" for drift in _describe_drift(credentials[used.id], used))


def _describe_drift(live: LiveObject, entry: StateEntry) -> Iterator[str]:
    if not entry.digest:
        yield "an interrupted run left its content uncertain: run `keyturn apply` first"
    if live.type != entry.type:
        yield "its type differs from the applied type"
    for path, leaf in entry.observed.items():
        if not values_equal(live.fields.get(path, MISSING), leaf):
            yield f"{format_path(path)} differs from the applied value"
    if not entry.updated_at or live.updated_at != entry.updated_at:
        config = {path: leaf for path, leaf in live.fields.items() if path[0] == "config"}
        for path in destination_paths(live.address.kind, {"type": live.type, **nest_fields(config)}):
            if path not in entry.observed and path not in entry.applied:
                yield f"{format_path(path)} was added outside keyturn"


class FailureBudget(Struct, frozen=True):
    """How many groups of connections are tested in parallel, and the failed logins allowed per credential."""

    parallelism: int = 4
    max_failures: int = 1


class TestSession(Struct, frozen=True):
    """The results sorted by address, and the number of live connections that keyturn does not manage."""

    results: tuple[ConnectionTestResult, ...]
    unmanaged: int


def run_test_session(run: RunContext, names: Iterable[str], budget: FailureBudget) -> TestSession:
    """Test the managed connections, or those of ``names`` (names, addresses or patterns).

    Manifests are not read: a test uses the live objects, if they are as they were applied. The
    connections of a credential are skipped after its allowed failures. Raises DiagnosticError KT070
    for a name without a live connection, and the errors of the state and the service.
    """
    check_organization(run.service, run.workspace.organization)
    state = load_state(run.store, run.workspace.name, run.workspace.organization).state
    shown = list_live_objects(run.service, list_unconfirmed_objects(state))
    listed = [each for each in shown if each.status != "deleted"]
    entries = resolve_open_intents(state, listed, partial(read_details, run.service)).entries
    ids = {address: entry.id for address, entry in entries.items() if not entry.retired_at}
    managed = frozenset(ids.values())
    connections = [each for each in listed if each.address.kind == "connection"]
    selected = _read_all_details(run, _select_connections(connections, tuple(names), managed))
    credentials = _read_all_details(
        run, [each for each in listed if each.address.kind == "credential" and each.id in managed]
    )
    credentials_by_id = {each.id: each for each in credentials}
    selected.sort(key=lambda each: each.address)
    pairs = [approved_pair(each, entries, credentials_by_id) for each in selected]
    run.progress.start_phase("test", len(pairs))
    known_values = collect_known_values((each.address, each.applied) for each in entries.values())
    tester = _ConnectionTester(run, ids, known_values, budget.max_failures)
    groups = map_parallel(tester.run_group, _group_by_credential(pairs), max(1, budget.parallelism))
    results = sorted((each for group in groups for each in group), key=lambda each: each.address)
    return TestSession(tuple(results), sum(each.id not in managed for each in connections))


def _select_connections(
    connections: list[LiveObject], names: tuple[str, ...], managed: Collection[str]
) -> list[LiveObject]:
    for name in names:
        if not any(matches_target(each.address, name) for each in connections):
            raise DiagnosticError(_unknown_name_error(name))
    if not names:
        return [each for each in connections if each.id in managed]
    return [each for each in connections if any(matches_target(each.address, name) for name in names)]


def _unknown_name_error(name: str) -> Diagnostic:
    return Diagnostic(
        code="KT070",
        severity=Severity.ERROR,
        message=f"there is no live connection {name}",
        origin=SourceLocation("workspace"),
        hint="use its name in Planasonix or a pattern such as 'prod-*'; the API key may not see all of them",
    )


def _read_all_details(run: RunContext, listed: list[LiveObject]) -> list[LiveObject]:
    return list(map_parallel(lambda each: read_details(run.service, each), listed, MAX_PARALLEL_READS))


def _group_by_credential(pairs: Iterable[ConnectionPair]) -> list[list[ConnectionPair]]:
    groups: list[tuple[set[Address], list[ConnectionPair]]] = []
    for pair in pairs:
        credentials = set(pair.credentials)
        joined = [group for group in groups if group[0] & credentials]
        members = [member for group in joined for member in group[1]]
        groups = [group for group in groups if group not in joined]
        groups.append((credentials.union(*(group[0] for group in joined)), [*members, pair]))
    return [members for _, members in groups]


class _ConnectionTester(Struct, frozen=True):
    run: RunContext
    ids: Mapping[Address, str]
    known_values: KnownValues
    max_failures: int
    _failed_logins: dict[Address, list[Address]] = field(default_factory=dict)

    def run_group(self, pairs: list[ConnectionPair]) -> list[ConnectionTestResult]:
        return [self._report_result(self._test_pair(each)) for each in pairs]

    def _report_result(self, result: ConnectionTestResult) -> ConnectionTestResult:
        status = OutcomeStatus.FAILED if result.status in _FAILED_STATUSES else OutcomeStatus.DONE
        outcome = ChangeOutcome(address=result.address, action="test", outcome_status=status)
        self.run.progress.finish_change(outcome)
        return result

    def _test_pair(self, pair: ConnectionPair) -> ConnectionTestResult:
        if pair.refusal or pair.fields is None:
            return _build_result(
                pair,
                TestStatus.REFUSED,
                message=pair.refusal,
                hint="run `keyturn plan` for the differences, then `keyturn apply` or `keyturn import`",
            )
        blocked = next((each for each in pair.credentials if self._has_reached_limit(each)), None)
        if blocked:
            return _build_result(
                pair,
                TestStatus.SKIPPED,
                message=f"{blocked} failed to log in to {self._failed_logins[blocked][-1]}",
                hint="more failures may lock the account: fix that connection first, or raise --max-failures",
            )
        result = self._send_test(pair, pair.fields)
        if result.status in _FAILED_STATUSES and result.reason not in REASONS_BEFORE_LOGIN:
            for credential in pair.credentials:
                self._failed_logins.setdefault(credential, []).append(pair.live.address)
        return result

    def _has_reached_limit(self, credential: Address) -> bool:
        return len(self._failed_logins.get(credential, ())) >= self.max_failures

    def _send_test(self, pair: ConnectionPair, fields: Fields) -> ConnectionTestResult:
        failed = _build_result(pair, TestStatus.FAILED)
        body = encode_connection_test(pair.live.type, fields, self.ids)
        try:
            response = self.run.service.test_connection(body, self.known_values)
        except ServiceError as error:
            reason = FailureReason.SERVICE
            return replace(failed, reason=reason, message=error.message, hint=hint_for_failure(reason))
        return _classify_result(failed, response)


def _build_result(
    pair: ConnectionPair, status: TestStatus, message: str = "", hint: str = ""
) -> ConnectionTestResult:
    return ConnectionTestResult(
        address=pair.live.address,
        status=status,
        credentials=pair.credentials,
        message=message,
        hint=hint,
    )


def _classify_result(failed: ConnectionTestResult, response: TestResponse) -> ConnectionTestResult:
    result = replace(
        failed,
        message=response.message,
        latency_ms=response.latency_ms,
        server_version=response.server_version,
    )
    if response.ok:
        return replace(result, status=TestStatus.PASSED)
    reason = response.failure_reason
    if response.ok is None:
        message = result.message or "the response has neither success nor failure"
        result = replace(result, status=TestStatus.UNCLEAR, message=message)
    return replace(result, reason=reason, hint=hint_for_failure(reason))
