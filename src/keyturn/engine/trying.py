"""Connection tests on demand, side by side, without locking anybody's account."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.api.errors import ServiceError
from keyturn.api.records import TestResult
from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.outcome import Ending, Outcome
from keyturn.core.protect import matches
from keyturn.core.resource import Live
from keyturn.core.trial import BEFORE_LOGIN, End, Reason, Tried, harmless, hint_of, reason_of
from keyturn.engine.observe import READERS, census, refuse_foreign
from keyturn.engine.pairs import Pair, pair
from keyturn.engine.recover import doubted, settle
from keyturn.engine.run import Run
from keyturn.engine.together import side_by_side
from keyturn.kinds import KINDS
from keyturn.ledger.reading import read_ledger

_BAD = frozenset({End.FAILED, End.UNCLEAR})


class Budget(Struct, frozen=True):
    """How many credentials are tried at once, and how many failed logins each of them may have."""

    parallelism: int = 4
    failures: int = 1


class Session(Struct, frozen=True):
    """What came of the tests, and how many live connections are none of keyturn's."""

    tried: tuple[Tried, ...]
    strangers: int


def try_out(run: Run, names: Iterable[str], budget: Budget) -> Session:
    """Test the connections of the ledger, or those that ``names`` (or patterns) mean, and say how each ended.

    Manifests are not read: what is tested is what is live and was applied. Connections that share
    a credential are tested one after the other, and no further once its failures are used up.
    Raises Faulty KT070 for a name that means nothing, and what ledger and service raise.
    """
    refuse_foreign(run.service, run.workspace.organization)
    reading = read_ledger(run.store, run.workspace.name, run.workspace.organization)
    seen = census(run.service, doubted(reading.ledger))
    listed = [each for each in seen if each.status != "deleted"]
    entries = settle(reading.ledger, listed).entries
    ours = {known.id for known in entries.values() if not known.retired_at}
    connections = [each for each in listed if each.address.kind == "connection"]
    wanted = _chosen(connections, tuple(names), ours)
    whole = side_by_side(lambda each: _whole(each, run), wanted, READERS)
    shown = _credentials(run, listed, ours)
    pairs = [pair(each, entries, shown) for each in sorted(whole, key=lambda each: each.address)]
    ids = {address: known.id for address, known in entries.items() if not known.retired_at}
    run.watch.phase("test", len(pairs))
    tester = _Tester(run, ids, budget.failures)
    groups = side_by_side(tester.group, _groups(pairs), max(1, budget.parallelism))
    tried = sorted((each for group in groups for each in group), key=lambda each: each.address)
    return Session(tuple(tried), sum(each.id not in ours for each in connections))


def _chosen(connections: list[Live], names: tuple[str, ...], ours: set[str]) -> list[Live]:
    for name in names:
        if not any(matches(each.address, name) for each in connections):
            raise Faulty(_nameless(name))
    if not names:
        return [each for each in connections if each.id in ours]
    return [each for each in connections if any(matches(each.address, name) for name in names)]


def _nameless(name: str) -> Diagnostic:
    return Diagnostic(
        code="KT070",
        severity=Severity.ERROR,
        message=f"there is no live connection {name}",
        origin=Origin("workspace"),
        hint="name it as Planasonix does, or by a pattern such as 'prod-*'; a key sees what its rights allow",
    )


def _whole(live: Live, run: Run) -> Live:
    kind = KINDS[live.address.kind]
    return live if live.detailed else kind.decode(run.service.fetch(kind.collection, live.id))


def _credentials(run: Run, listed: Iterable[Live], ours: set[str]) -> Mapping[str, Live]:
    relevant = [each for each in listed if each.address.kind == "credential" and each.id in ours]
    return {each.id: each for each in side_by_side(lambda each: _whole(each, run), relevant, READERS)}


def _groups(pairs: Iterable[Pair]) -> list[list[Pair]]:
    groups: list[tuple[set[Address], list[Pair]]] = []
    for each in pairs:
        mine = set(each.credentials)
        joined = [group for group in groups if group[0] & mine]
        members = [pair for group in joined for pair in group[1]]
        groups = [group for group in groups if group not in joined]
        groups.append((mine.union(*(group[0] for group in joined)), [*members, each]))
    return [members for _, members in groups]


class _Tester(Struct, frozen=True):
    run: Run
    ids: Mapping[Address, str]
    failures: int
    _failed: dict[Address, list[Address]] = field(default_factory=dict)

    def group(self, pairs: list[Pair]) -> list[Tried]:
        return [self._told(self._one(each)) for each in pairs]

    def _told(self, tried: Tried) -> Tried:
        ending = Ending.FAILED if tried.end in _BAD else Ending.DONE
        self.run.watch.ended(Outcome(address=tried.address, action="test", ending=ending))
        return tried

    def _one(self, each: Pair) -> Tried:
        address = each.live.address
        if each.refusal or each.fields is None:
            hint = "look with `keyturn plan`; an apply, or `keyturn import`, makes it a pair that is approved"
            return Tried(
                address=address,
                end=End.REFUSED,
                credentials=each.credentials,
                message=each.refusal,
                hint=hint,
            )
        spent = next((c for c in each.credentials if len(self._failed.get(c, ())) >= self.failures), None)
        if spent:
            message = f"not tried: {spent} failed to log in at {self._failed[spent][-1]}"
            hint = "a few more failures may lock the account; mend that one first, or raise --max-failures"
            return Tried(
                address=address, end=End.SKIPPED, credentials=each.credentials, message=message, hint=hint
            )
        tried = self._tested(each)
        if tried.end in _BAD and tried.reason not in BEFORE_LOGIN:
            for credential in each.credentials:
                self._failed.setdefault(credential, []).append(address)
        return tried

    def _tested(self, each: Pair) -> Tried:
        body_of = KINDS["connection"].test
        if body_of is None or each.fields is None:
            message = "connections can be tested"
            raise AssertionError(message)
        base = Tried(address=each.live.address, end=End.FAILED, credentials=each.credentials)
        try:
            result = self.run.service.test(body_of(each.live.type, each.fields, self.ids))
        except ServiceError as error:
            why = Reason.SERVICE
            return replace(base, reason=why, message=error.message, hint=hint_of(why))
        return _judged(base, result)


def _judged(base: Tried, result: TestResult) -> Tried:
    base = replace(
        base,
        message=harmless(result.message),
        latency_ms=result.latency_ms,
        server_version=result.server_version,
    )
    if result.ok:
        return replace(base, end=End.PASSED)
    why = reason_of(result.message)
    if result.ok is None:
        said = base.message or "the service said neither yes nor no"
        base = replace(base, end=End.UNCLEAR, message=said)
    return replace(base, reason=why, hint=hint_of(why))
