"""Connection tests on demand, side by side, without locking anybody's account."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.client.records import TestResponse
from keyturn.kinds import KINDS
from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import MISSING, ChangeOutcome, OutcomeStatus
from keyturn.model.connection_failure import (
    REASONS_BEFORE_LOGIN,
    FailureReason,
    classify_failure,
    hint_for_failure,
    redact_if_secret,
)
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.model.fields import FieldPath, Fields, format_path, nest_fields, values_equal
from keyturn.model.resource import LiveObject, StateEntry
from keyturn.model.results import ConnectionTestResult, TestStatus
from keyturn.operations.observe import MAX_PARALLEL_READS, check_organization, list_live_objects
from keyturn.operations.parallel import map_parallel
from keyturn.operations.plan.recovery import list_uncertain_retirements, resolve_open_intents
from keyturn.operations.run_context import RunContext
from keyturn.planning.scope import matches_target
from keyturn.schema.definitions import destination_paths
from keyturn.state.reader import load_state

_CREDENTIAL_PATH = ("credential",)


class ConnectionPair(Struct, frozen=True):
    """A live connection and the credentials that it was applied with, or why it may not be tested."""

    live: LiveObject
    credentials: tuple[Address, ...] = ()
    refusal: str = ""
    fields: Fields | None = None


def approved_pair(
    live: LiveObject, entries: Mapping[Address, StateEntry], shown: Mapping[str, LiveObject]
) -> ConnectionPair:
    """Return the pair that ``live``, a whole connection, makes with its credentials.

    ``shown`` are the live credentials by id. ``fields`` of the result are what a test sends: the
    live ones, and the references that the deployment does not show.
    """
    known = entries.get(live.address)
    if known is None or known.id != live.id:
        known = next((each for each in entries.values() if each.id == live.id), None)
    if known is None or known.retired_at:
        return ConnectionPair(live, refusal="it is not in the state: keyturn never applied it")
    linked = {path: leaf for path, leaf in known.applied.items() if isinstance(leaf, Address)}
    credentials = tuple(sorted(set(linked.values())))
    wrong = next(_explain_refusals(live, known, linked, (entries, shown)), "")
    if wrong:
        return ConnectionPair(live, credentials, wrong)
    hidden = {path: leaf for path, leaf in linked.items() if path not in live.fields}
    return ConnectionPair(live, credentials, fields={**live.fields, **hidden})


def _explain_refusals(
    live: LiveObject,
    state_entry: StateEntry,
    linked: Mapping[FieldPath, Address],
    sides: tuple[Mapping[Address, StateEntry], Mapping[str, LiveObject]],
) -> Iterator[str]:
    entries, shown = sides
    yield from _describe_drift(live, state_entry)
    if (
        _CREDENTIAL_PATH in live.fields
        and _CREDENTIAL_PATH not in state_entry.observed
        and _CREDENTIAL_PATH not in linked
    ):
        yield "it uses a credential that was not applied with it"
    for path, address in linked.items():
        entry = entries.get(address)
        if entry is None or entry.retired_at:
            yield f"{address} is not in the state any more"
        elif path in live.fields and live.fields[path] != entry.id:
            yield f"it uses another credential than {address}, with which it was applied"
        elif entry.id not in shown or shown[entry.id].status == "deleted":
            yield f"{address} is not live"
        else:
            yield from (f"{address}: {each}" for each in _describe_drift(shown[entry.id], entry))


def _describe_drift(live: LiveObject, entry: StateEntry) -> Iterator[str]:
    if not entry.digest:
        yield "an earlier run left it open: run `keyturn apply` first"
    if live.type != entry.type:
        yield "its type is not the one that was applied"
    for path, leaf in entry.observed.items():
        if not values_equal(live.fields.get(path, MISSING), leaf):
            yield f"{format_path(path)} is not as it was applied"
    if not entry.updated_at or live.updated_at != entry.updated_at:
        tree = {
            "type": live.type,
            **nest_fields({p: leaf for p, leaf in live.fields.items() if p[0] == "config"}),
        }
        for path in destination_paths(live.address.kind, tree):
            if path not in entry.observed and path not in entry.applied:
                yield f"{format_path(path)} was added outside keyturn"


_FAILED_STATUSES = frozenset({TestStatus.FAILED, TestStatus.UNCLEAR})


class FailureBudget(Struct, frozen=True):
    """How many credentials are tried at once, and how many failed logins each of them may have."""

    parallelism: int = 4
    max_failures: int = 1


class TestSession(Struct, frozen=True):
    """What came of the tests, and how many live connections are none of keyturn's."""

    results: tuple[ConnectionTestResult, ...]
    unmanaged: int


def run_test_session(run: RunContext, names: Iterable[str], budget: FailureBudget) -> TestSession:
    """Test the connections of the state, or those that ``names`` (or patterns) mean, and say how each ended.

    Manifests are not read: what is tested is what is live and was applied. Connections that share
    a credential are tested one after the other, and no further once its failures are used up.
    Raises Faulty KT070 for a name that means nothing, and what state and service raise.
    """
    check_organization(run.service, run.workspace.organization)
    reading = load_state(run.store, run.workspace.name, run.workspace.organization)
    seen = list_live_objects(run.service, list_uncertain_retirements(reading.state))
    listed = [each for each in seen if each.status != "deleted"]
    entries = resolve_open_intents(reading.state, listed).entries
    ours = {known.id for known in entries.values() if not known.retired_at}
    connections = [each for each in listed if each.address.kind == "connection"]
    wanted = _select_connections(connections, tuple(names), ours)
    whole = map_parallel(lambda each: _read_details(each, run), wanted, MAX_PARALLEL_READS)
    shown = _read_credentials(run, listed, ours)
    pairs = [approved_pair(each, entries, shown) for each in sorted(whole, key=lambda each: each.address)]
    ids = {address: known.id for address, known in entries.items() if not known.retired_at}
    run.progress.start_phase("test", len(pairs))
    tester = _ConnectionTester(run, ids, budget.max_failures)
    groups = map_parallel(tester.run_group, _group_by_credential(pairs), max(1, budget.parallelism))
    tried = sorted((each for group in groups for each in group), key=lambda each: each.address)
    return TestSession(tuple(tried), sum(each.id not in ours for each in connections))


def _select_connections(
    connections: list[LiveObject], names: tuple[str, ...], ours: set[str]
) -> list[LiveObject]:
    for name in names:
        if not any(matches_target(each.address, name) for each in connections):
            raise DiagnosticError(_unknown_name_error(name))
    if not names:
        return [each for each in connections if each.id in ours]
    return [each for each in connections if any(matches_target(each.address, name) for name in names)]


def _unknown_name_error(name: str) -> Diagnostic:
    return Diagnostic(
        code="KT070",
        severity=Severity.ERROR,
        message=f"there is no live connection {name}",
        origin=SourceLocation("workspace"),
        hint="name it as Planasonix does, or by a pattern such as 'prod-*'; a key sees what its rights allow",
    )


def _read_details(live: LiveObject, run: RunContext) -> LiveObject:
    kind = KINDS[live.address.kind]
    return live if live.has_config else kind.decode(run.service.read_record(kind.collection, live.id))


def _read_credentials(
    run: RunContext, listed: Iterable[LiveObject], ours: set[str]
) -> Mapping[str, LiveObject]:
    relevant = [each for each in listed if each.address.kind == "credential" and each.id in ours]
    return {
        each.id: each
        for each in map_parallel(lambda each: _read_details(each, run), relevant, MAX_PARALLEL_READS)
    }


def _group_by_credential(pairs: Iterable[ConnectionPair]) -> list[list[ConnectionPair]]:
    groups: list[tuple[set[Address], list[ConnectionPair]]] = []
    for each in pairs:
        mine = set(each.credentials)
        joined = [group for group in groups if group[0] & mine]
        members = [pair for group in joined for pair in group[1]]
        groups = [group for group in groups if group not in joined]
        groups.append((mine.union(*(group[0] for group in joined)), [*members, each]))
    return [members for _, members in groups]


class _ConnectionTester(Struct, frozen=True):
    run: RunContext
    ids: Mapping[Address, str]
    max_failures: int
    _failed_logins: dict[Address, list[Address]] = field(default_factory=dict)

    def run_group(self, pairs: list[ConnectionPair]) -> list[ConnectionTestResult]:
        return [self._report_result(self._test_pair(each)) for each in pairs]

    def _report_result(self, results: ConnectionTestResult) -> ConnectionTestResult:
        ending = OutcomeStatus.FAILED if results.status in _FAILED_STATUSES else OutcomeStatus.DONE
        self.run.progress.finish_change(
            ChangeOutcome(address=results.address, action="test", outcome_status=ending)
        )
        return results

    def _test_pair(self, each: ConnectionPair) -> ConnectionTestResult:
        address = each.live.address
        if each.refusal or each.fields is None:
            hint = "look with `keyturn plan`; an apply, or `keyturn import`, makes it a pair that is approved"
            return ConnectionTestResult(
                address=address,
                status=TestStatus.REFUSED,
                credentials=each.credentials,
                message=each.refusal,
                hint=hint,
            )
        spent = next(
            (c for c in each.credentials if len(self._failed_logins.get(c, ())) >= self.max_failures), None
        )
        if spent:
            message = f"not tried: {spent} failed to log in at {self._failed_logins[spent][-1]}"
            hint = "a few more failures may lock the account; mend that one first, or raise --max-failures"
            return ConnectionTestResult(
                address=address,
                status=TestStatus.SKIPPED,
                credentials=each.credentials,
                message=message,
                hint=hint,
            )
        tried = self._send_test(each)
        if tried.status in _FAILED_STATUSES and tried.reason not in REASONS_BEFORE_LOGIN:
            for credential in each.credentials:
                self._failed_logins.setdefault(credential, []).append(address)
        return tried

    def _send_test(self, each: ConnectionPair) -> ConnectionTestResult:
        body_of = KINDS["connection"].encode_test
        if body_of is None or each.fields is None:
            message = "connections can be tested"
            raise AssertionError(message)
        base = ConnectionTestResult(
            address=each.live.address, status=TestStatus.FAILED, credentials=each.credentials
        )
        try:
            result = self.run.service.test_connection(body_of(each.live.type, each.fields, self.ids))
        except ServiceError as error:
            why = FailureReason.SERVICE
            return replace(base, reason=why, message=error.message, hint=hint_for_failure(why))
        return _classify_result(base, result)


def _classify_result(base: ConnectionTestResult, result: TestResponse) -> ConnectionTestResult:
    base = replace(
        base,
        message=redact_if_secret(result.message),
        latency_ms=result.latency_ms,
        server_version=result.server_version,
    )
    if result.ok:
        return replace(base, status=TestStatus.PASSED)
    why = classify_failure(result.message)
    if result.ok is None:
        said = base.message or "the service said neither yes nor no"
        base = replace(base, status=TestStatus.UNCLEAR, message=said)
    return replace(base, reason=why, hint=hint_for_failure(why))
