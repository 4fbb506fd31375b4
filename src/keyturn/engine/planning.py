"""The pipeline: files, ledger and service in; a plan out. This is the picture of the README."""

from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.diff import diff
from keyturn.core.exposing import expose
from keyturn.core.guard import guard
from keyturn.core.inputs import Consents, Inputs
from keyturn.core.oauth_consent import find_needed_consents
from keyturn.core.order import order
from keyturn.core.plan import Plan
from keyturn.core.protect import Hands, protect
from keyturn.core.question import Question
from keyturn.core.resource import Desired, Known, Live
from keyturn.engine.ages import Ages, ages, by_ledger
from keyturn.engine.checking import judged_with, looked_at
from keyturn.engine.impact import Reach, measure
from keyturn.engine.observe import census, observe
from keyturn.engine.opening import Opener
from keyturn.engine.placing import placed
from keyturn.engine.recover import Settled, doubted, settle
from keyturn.engine.run import Run
from keyturn.engine.together import begin
from keyturn.ledger.reading import Reading, read_ledger
from keyturn.load.definitions import leads
from keyturn.load.desired import Loaded
from keyturn.policy.judge import Looked

REQUESTS: Mapping[Action, int] = MappingProxyType(
    {
        Action.CREATE: 2,
        Action.UPDATE: 3,
        Action.RENAME: 3,
        Action.ADOPT: 3,
        Action.ROTATE: 8,
        Action.RESTORE: 6,
        Action.RETIRE: 4,
        Action.REPLACE: 8,
    }
)
"""About how many requests a change costs: reading again, writing, reading back, probes and tests."""


class Wish(Struct, frozen=True, kw_only=True):
    """What the user asked for beyond the manifests: a narrower view, consents, secrets to write again."""

    targets: tuple[str, ...] = ()
    consents: Consents = field(default_factory=Consents)
    reassert: frozenset[str] = frozenset()


class Evidence(Struct, frozen=True, kw_only=True):
    """All that a plan rests on, in the order in which it is found."""

    ledger: Reading
    loaded: Loaded
    looked: Looked
    settled: Settled
    sides: Inputs
    hands: Hands


class Planned(Struct, frozen=True):
    """A plan with what it was made of; an apply goes on from here."""

    plan: Plan
    seen: Evidence
    opener: Opener


def plan(run: Run, wish: Wish) -> Planned:
    """Compare git, ledger and service, and say what would be done; nothing is written."""
    opener = Opener.of(run)
    run.watch.phase("manifests")
    loaded = opener.load()
    run.watch.phase("workspace")
    ledger = read_ledger(run.store, run.workspace.name, run.workspace.organization)
    listing = begin(partial(census, run.service, doubted(ledger.ledger), run.workspace.organization))
    # The service takes its time for the lists; what the rules say of the manifests does not hang on them.
    looked = looked_at(run.project, loaded, run.clock.now().date())
    listed = listing()
    settled = settle(ledger.ledger, listed)
    live = observe(run.service, listed, loaded.desired, settled.entries)
    run.watch.phase("secrets")
    sides = opener.open(doubt(inputs(loaded.desired, settled.entries, live), wish.reassert))
    hands = protect(sides, wish.targets, run.clock.now().date().isoformat())
    changes = order(expose(diff(hands.inputs), hands.inputs, leads, settled.entries), settled.entries)
    run.watch.phase("reach")
    reach = measure(run.service, changes, live, settled.entries)
    seen = Evidence(ledger=ledger, loaded=loaded, looked=looked, settled=settled, sides=sides, hands=hands)
    return Planned(assemble(run, wish, seen, changes, reach), seen, opener)


def inputs(desired: Iterable[Desired], known: Mapping[Address, Known], live: Mapping[str, Live]) -> Inputs:
    """Return the three sides as one value."""
    return Inputs(desired={each.address: each for each in desired}, known=known, live=live)


def doubt(sides: Inputs, names: frozenset[str]) -> Inputs:
    """Return the inputs with some fingerprints forgotten, so that those secrets are written again."""
    if not names:
        return sides
    known = {
        address: replace(each, fingerprints={}, digest="") if address.name in names else each
        for address, each in sides.known.items()
    }
    return replace(sides, known=known)


def assemble(run: Run, wish: Wish, seen: Evidence, changes: tuple[Change, ...], reach: Reach) -> Plan:
    """Return the plan: the changes with all that was found on the way, worst first."""
    question = Question(
        changes=changes,
        inputs=seen.hands.inputs,
        consents=wish.consents,
        limits=run.project.policy.limits,
        users=reach.users,
        room=reach.room,
    )
    findings = (
        *seen.ledger.findings,
        *seen.loaded.findings,
        *judged_with(run.project, seen.looked, seen.sides, _ages(run, seen), run.fresh().encode()),
        *seen.settled.findings,
        *seen.hands.findings,
        *placed(guard(question), changes, seen.loaded.subjects),
        *find_needed_consents(changes),
    )
    return Plan(
        workspace=run.workspace.name,
        organization=run.workspace.organization,
        changes=changes,
        findings=tuple(sorted(findings, key=lambda each: each.rank)),
        impact=reach.impact,
        resources=len(seen.loaded.desired),
        requests=sum(REQUESTS.get(change.action, 0) for change in changes),
        pace=run.workspace.pace,
    )


def _ages(run: Run, seen: Evidence) -> Ages:
    today = run.clock.now().date()
    return ages(run.project, seen.loaded.subjects, by_ledger(seen.sides), today, run.environment)
