"""Connection tests: what would happen if a connection used these secrets now.

A test carries a stored credential to a host, so it is run only for pairs that were approved: of
what is live, or of what this apply writes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyturn.api.errors import ServiceError
from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.exposing import strayed
from keyturn.core.fields import Fields, dotted
from keyturn.core.protect import NEXT
from keyturn.core.resource import Known, Live
from keyturn.core.trial import harmless
from keyturn.engine.desk import Desk
from keyturn.engine.observe import side_by_side
from keyturn.kinds import KINDS
from keyturn.load.definitions import leads

TESTERS = 4
"""How many connection tests run side by side: each is a real login at somebody's database."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A connection to be tested: its name for the reader, its id, its type, its fields with ids.

    With a ``refusal`` nothing is sent, and the test counts as failed.
    """

    address: Address
    id: str
    type: str
    fields: Fields
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
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
    """Return every connection that uses a credential or a successor of it, ours or not, as it is live.

    Further references are hidden in a list without settings: of those, only our own are known.
    """
    former = change.known.address if change.known else change.address
    chain = {identity, *(heir.id for heir in heirs(change.address, desk))}
    kind = KINDS["connection"]
    listed = [kind.decode(each) for each in desk.run.service.records(kind.collection).records]
    ours = {known.id for known in desk.entries.values() if former in known.applied.values()}
    users = [each for each in listed if each.id in ours or chain & set(each.fields.values())]
    whole = side_by_side(lambda each: _whole(each, desk), users, TESTERS)
    return [
        Trial(each.address, each.id, each.type, each.fields, _refusal(each, desk))
        for each in whole
        if chain & set(each.fields.values())
    ]


def _refusal(live: Live, desk: Desk) -> str:
    known = desk.entries.get(live.id)
    paths = strayed(known, live, leads) if known else ()
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
