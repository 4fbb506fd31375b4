"""One apply from lock to release: plan again, ask, write, tidy up, record."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api.records import Figures
from keyturn.api.wire import Veil
from keyturn.core.address import Address
from keyturn.core.change import Action
from keyturn.core.diagnostic import Faulty
from keyturn.core.exposing import sends
from keyturn.core.outcome import Ending, Outcome
from keyturn.core.plan import QUIET, Plan
from keyturn.core.resource import Known
from keyturn.core.secret import Secret
from keyturn.engine.apply import Ended, execute
from keyturn.engine.desk import Desk
from keyturn.engine.entry import observed
from keyturn.engine.exclusive_run import ExclusiveRun, exclusive_run
from keyturn.engine.lifecycle import tails
from keyturn.engine.planning import Planned, Wish, plan
from keyturn.engine.rotate import purge
from keyturn.engine.run import Run
from keyturn.engine.work import LOOKS
from keyturn.ledger.event import Finished, Intent
from keyturn.ledger.journal import Journal
from keyturn.load.definitions import leads


class Terms(Struct, frozen=True, kw_only=True):
    """How an apply goes about its work; times in seconds, ``deadline`` 0 for none.

    ``stopped`` is asked before every write: true means that nothing new may begin.
    """

    parallelism: int = 8
    tests: bool = True
    lock_timeout: float = 0.0
    deadline: float = 0.0
    stopped: Callable[[], bool] = lambda: False


class Report(Struct, frozen=True, kw_only=True):
    """What came of an apply: the plan it made, how each change ended, and what it cost."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    denied: bool = False
    halted: bool = False
    agreed: bool = True
    figures: Figures | None = None


def carry_out(run: Run, wish: Wish, terms: Terms, decide: Callable[[Planned], bool]) -> Report:
    """Take the lock, plan, let ``decide`` look at the plan, and make its changes if it says yes.

    Raises Held while somebody else applies, Faulty where nothing could be begun or where the plan
    is ``blocked``, whatever ``decide`` says. Whatever happens after the first write is in the report
    and in the journal, never lost in an exception.
    """
    run.watch.phase("lock")
    with exclusive_run(run, "apply", terms.lock_timeout) as held:
        planned = _planned(run, wish)
        if not decide(planned):
            return Report(plan=planned.plan, agreed=False)
        if planned.plan.blocked:
            raise Faulty(*planned.plan.blocked)
        ended = _write(run, planned, terms, held)
        return Report(
            plan=planned.plan,
            outcomes=ended.outcomes,
            denied=ended.denied or run.service.denied,
            halted=ended.halted,
            figures=run.service.figures,
        )


def _planned(run: Run, wish: Wish) -> Planned:
    run.watch.phase("plan")
    planned = plan(run, wish)
    pause = max((_pause(run, intent) for intent in planned.seen.settled.unseen), default=0.0)
    if pause <= 0:
        return planned
    # What a lost request made may not be in the lists yet: wait, and look again.
    run.sleep(pause)
    return plan(run, wish)


def _pause(run: Run, intent: Intent) -> float:
    if not intent.server_date or run.service.server_date is None:
        return sum(LOOKS)
    return sum(LOOKS) - (run.service.server_date - datetime.fromisoformat(intent.server_date).timestamp())


def _write(run: Run, planned: Planned, terms: Terms, held: ExclusiveRun) -> Ended:
    journal = held.begin_journal(planned.seen.ledger)
    desk = _desk(run, planned, journal, _permission(run, terms, held), tests=terms.tests)
    with run.service.admitting(terms.parallelism, desk.allowed):
        _resolve(planned, desk)
        run.watch.phase("apply", len(planned.plan.changes))
        ended = execute(planned.plan.changes, desk, run.watch, terms.parallelism)
        if not (ended.denied or ended.halted):
            ended = _follow_up(ended, planned, desk)
    counts = {ending.value: sum(each.ending is ending for each in ended.outcomes) for ending in Ending}
    held.end_journal(counts, "halted" if ended.halted else "ended")
    return ended


def _permission(run: Run, terms: Terms, held: ExclusiveRun) -> Callable[[], bool]:
    end = run.clock.monotonic() + terms.deadline

    def may_write() -> bool:
        if terms.stopped() or (terms.deadline and run.clock.monotonic() > end):
            return False
        if run.service.breaker.open or run.service.denied:
            return False
        return held.holds_lock()

    return may_write


def _desk(run: Run, planned: Planned, journal: Journal, allowed: Callable[[], bool], *, tests: bool) -> Desk:
    known = planned.seen.settled.entries.values()
    return Desk(
        run=run,
        journal=journal,
        ids={each.address: each.id for each in known if not each.retired_at} | _staying(planned.plan),
        entries={each.id: each for each in known},
        key=planned.opener.key,
        allowed=allowed,
        tests=tests,
        hide=_veil(planned),
        taken={each.id for each in known} | planned.seen.hands.inputs.live.keys(),
        changes={
            each.live.id: each for each in planned.plan.changes if each.live and each.action not in QUIET
        },
        destinations=sends(planned.plan.changes, leads),
    )


def _staying(plan: Plan) -> dict[Address, str]:
    # What is renamed or comes back keeps its id, and may be referred to before its turn comes.
    stays = (each for each in plan.changes if each.desired and each.action is not Action.REPLACE)
    return {each.address: each.live.id for each in stays if each.live}


def _veil(planned: Planned) -> Veil:
    secrets = (each.secrets.values() for each in planned.seen.sides.desired.values())
    return Veil(value for values in secrets for value in values if isinstance(value, Secret))


def _resolve(planned: Planned, desk: Desk) -> None:
    # What was found comes first, the ends of the intents after it: a run that dies in between looks again.
    before, after = planned.seen.ledger.ledger.entries, planned.seen.settled.entries
    gone = tuple(address for address in before if address not in after)
    for entry in (known for address, known in after.items() if before.get(address) != known):
        desk.journal.enqueue(_noted(entry, gone))
    left = {intent.id: identity for intent, identity in planned.seen.settled.leftovers}
    for intent in planned.seen.ledger.ledger.open:
        if intent.id in left:
            purge(intent, left[intent.id], desk, again=True)
        else:
            desk.drop(intent, Ending.FAILED, "settled by looking")


def _noted(entry: Known, gone: tuple[Address, ...] = (), action: str = "settle") -> Finished:
    return Finished(
        intent="", address=entry.address, action=action, ending=Ending.DONE, entry=entry, gone=gone
    )


def _follow_up(ended: Ended, planned: Planned, desk: Desk) -> Ended:
    # What was replaced is retired; manifests that changed without changing anything are noted.
    rest = execute(tails(desk.journal.ledger().entries.values(), desk), desk, desk.run.watch)
    for entry in refreshed(planned, (each.address for each in planned.plan.changes)):
        desk.journal.enqueue(_noted(entry, action="refresh"))
    return replace(
        ended,
        outcomes=(*ended.outcomes, *rest.outcomes),
        denied=rest.denied,
        halted=rest.halted,
    )


def refreshed(planned: Planned, changed: Iterable[Address]) -> tuple[Known, ...]:
    """Return the entries that say less than what is now known, though nothing had to be written.

    A comment in a manifest or a protection that was added changes the file's digest, and a save in
    the UI that changed nothing moves ``updated_at``: both are remembered, so that the next plan
    does not look again.
    """
    inputs, busy = planned.seen.hands.inputs, set(changed)
    found = []
    for address, desired in inputs.desired.items():
        known = inputs.known.get(address)
        live = inputs.live.get(known.id) if known else None
        if known is None or live is None or address in busy or known.retired_at:
            continue
        now = replace(
            known,
            digest=desired.digest,
            applied=desired.fields,
            observed=observed(desired, live, known),
            fingerprints=inputs.prints.get(address, known.fingerprints),
            updated_at=live.updated_at,
            protect=desired.lifecycle.protect,
        )
        if now != known:
            found.append(now)
    return tuple(found)
