"""Connection tests on demand, side by side, without locking anybody's account."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.api.errors import ServiceError
from keyturn.api.records import TestResponse
from keyturn.core.address import Address, SourceLocation
from keyturn.core.diagnostic import Diagnostic, DiagnosticError, Severity
from keyturn.core.outcome import OutcomeStatus, ChangeOutcome
from keyturn.core.protect import matches_target
from keyturn.core.resource import LiveObject
from keyturn.core.trial import REASONS_BEFORE_LOGIN, TestStatus, FailureReason, ConnectionTestResult, redact_if_secret, hint_for_failure, classify_failure
from keyturn.engine.observe import MAX_PARALLEL_READS, list_live_objects, check_organization
from keyturn.engine.pairs import ConnectionPair, approved_pair
from keyturn.engine.recover import list_uncertain_retirements, resolve_open_intents
from keyturn.engine.run import RunContext
from keyturn.engine.together import map_parallel
from keyturn.kinds import KINDS
from keyturn.ledger.reading import load_state

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
    """Test the connections of the ledger, or those that ``names`` (or patterns) mean, and say how each ended.

    Manifests are not read: what is tested is what is live and was applied. Connections that share
    a credential are tested one after the other, and no further once its failures are used up.
    Raises Faulty KT070 for a name that means nothing, and what ledger and service raise.
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


def _select_connections(connections: list[LiveObject], names: tuple[str, ...], ours: set[str]) -> list[LiveObject]:
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


def _read_credentials(run: RunContext, listed: Iterable[LiveObject], ours: set[str]) -> Mapping[str, LiveObject]:
    relevant = [each for each in listed if each.address.kind == "credential" and each.id in ours]
    return {each.id: each for each in map_parallel(lambda each: _read_details(each, run), relevant, MAX_PARALLEL_READS)}


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
        self.run.progress.finish_change(ChangeOutcome(address=results.address, action="test", outcome_status=ending))
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
        spent = next((c for c in each.credentials if len(self._failed_logins.get(c, ())) >= self.max_failures), None)
        if spent:
            message = f"not tried: {spent} failed to log in at {self._failed_logins[spent][-1]}"
            hint = "a few more failures may lock the account; mend that one first, or raise --max-failures"
            return ConnectionTestResult(
                address=address, status=TestStatus.SKIPPED, credentials=each.credentials, message=message, hint=hint
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
        base = ConnectionTestResult(address=each.live.address, status=TestStatus.FAILED, credentials=each.credentials)
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
