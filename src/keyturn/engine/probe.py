"""Connection tests: what would happen if a connection used these secrets now.

A test carries a stored credential to a host, so it is run only for pairs that were approved: of
what is live, or of what this apply writes.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api.errors import Absent, ServiceError
from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.exposing import strayed
from keyturn.core.fields import Fields, Path, dotted
from keyturn.core.protect import NEXT
from keyturn.core.resource import Known, Live
from keyturn.core.trial import harmless
from keyturn.engine.desk import Desk
from keyturn.engine.together import side_by_side
from keyturn.engine.work import joined
from keyturn.kinds import KINDS
from keyturn.load.definitions import leads

TESTERS = 4
"""How many connection tests run side by side: each is a real login at somebody's database."""

_WRITTEN = frozenset({Action.UPDATE, Action.RENAME, Action.ADOPT})


class Trial(Struct, frozen=True):
    """A connection to be tested: its name for the reader, its id, its type, its fields with ids.

    With a ``refusal`` nothing is sent, and the test counts as failed. ``now`` is the same connection
    as it is live, where this apply is going to write it.
    """

    address: Address
    id: str
    type: str
    fields: Fields
    refusal: str = ""
    now: "Trial | None" = None


class Verdict(Struct, frozen=True):
    """How a test ended; ``passed`` is true only for an explicit yes."""

    address: Address
    passed: bool
    message: str


def run_tests(
    trials: Iterable[Trial], desk: Desk, stand_in: Mapping[str, str] | None = None
) -> list[Verdict]:
    """Test connections side by side and return a verdict for each, sorted by address.

    ``stand_in`` maps the id of a credential to the id that is used in its place.
    """
    swapped = stand_in or {}

    def one(trial: Trial) -> Verdict:
        fields = {
            path: swapped.get(leaf, leaf) if isinstance(leaf, str) else leaf
            for path, leaf in trial.fields.items()
        }
        return _verdict(trial, fields, desk)

    return side_by_side(one, sorted(trials, key=lambda each: each.address), TESTERS)


def _verdict(trial: Trial, fields: Fields, desk: Desk) -> Verdict:
    body_of = KINDS["connection"].test
    if body_of is None:
        message = "connections can be tested"
        raise AssertionError(message)
    if trial.refusal:
        return Verdict(trial.address, False, trial.refusal)
    try:
        result = desk.run.service.test(body_of(trial.type, fields, desk.ids), hide=desk.hide)
    except ServiceError as error:
        if desk.run.service.denied:
            raise
        return Verdict(trial.address, False, f"the test could not be run: {error.message}")
    if result.ok is None:
        return Verdict(trial.address, False, "the test said neither yes nor no")
    return Verdict(trial.address, result.ok, harmless(result.message))


def dependents(change: Change, identity: str, desk: Desk) -> list[Trial]:
    """Return every connection that uses a credential or a successor of it, ours or not.

    One that this apply writes after the credential is tried as it will be: the new secret goes where
    git says, and not once more to the old place. All others are tried as they are live. Further
    references are hidden in a list without settings: of those, only our own are known.
    """
    former = change.known.address if change.known else change.address
    chain = {identity, *(heir.id for heir in heirs(change.address, desk))}
    kind = KINDS["connection"]
    listed = [kind.decode(each) for each in desk.run.service.records(kind.collection).records]
    ours = {
        known.id
        for known in desk.entries.values()
        if former in known.applied.values() and known.address.kind == kind.name and not known.retired_at
    }
    users = [each for each in listed if each.id in ours or chain & set(each.fields.values())]
    # A list may lag behind, and is no proof that one of ours is not there.
    unseen = sorted(ours - {each.id for each in listed})
    whole = side_by_side(lambda each: _whole(each, desk), users, TESTERS)
    whole += [found for each in unseen if (found := _found(each, desk))]
    return [
        _foreseen(_standing(each, desk), each, (change, identity), desk)
        for each in whole
        if chain & set(each.fields.values())
    ]


def _standing(live: Live, desk: Desk) -> Trial:
    return Trial(live.address, live.id, live.type, live.fields, _refusal(_stray(live, desk)))


def _foreseen(trial: Trial, live: Live, turned: tuple[Change, str], desk: Desk) -> Trial:
    change, identity = turned
    own = desk.changes.get(live.id)
    if own is None or own.desired is None or own.action not in _WRITTEN or change.address not in own.after:
        return trial
    ids = {**desk.ids, change.address: identity}
    wanted = joined(own, own.desired, live)
    # What is still to be made has no id: the test goes without it.
    unmade = {path for path, leaf in wanted.items() if isinstance(leaf, Address) and leaf not in ids}
    fields = {
        path: ids[leaf] if isinstance(leaf, Address) else leaf
        for path, leaf in wanted.items()
        if path not in unmade
    }
    stray = [path for path in _stray(live, desk) if path in wanted and path not in own.desired.fields]
    return replace(trial, fields=fields, refusal=_refusal(stray), now=trial)


def _stray(live: Live, desk: Desk) -> tuple[Path, ...]:
    known = desk.entries.get(live.id)
    return strayed(known, live, leads) if known else ()


def _refusal(paths: Collection[Path]) -> str:
    told = ", ".join(map(dotted, paths))
    return f"{told} is not as it was applied, so that no secret is sent there" if paths else ""


def heirs(address: Address, desk: Desk) -> tuple[Known, ...]:
    """Return the successors of a credential that an earlier hand-over left behind."""
    return tuple(
        known
        for known in list(desk.entries.values())
        if known.address.name.startswith(address.name + NEXT) and not known.retired_at
    )


def _whole(live: Live, desk: Desk) -> Live:
    if live.detailed:
        return live
    kind = KINDS["connection"]
    return kind.decode(desk.run.service.fetch(kind.collection, live.id))


def _found(identity: str, desk: Desk) -> Live | None:
    kind = KINDS["connection"]
    try:
        return kind.decode(desk.run.service.fetch(kind.collection, identity))
    except Absent:
        return None
