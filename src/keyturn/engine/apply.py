"""Apply: the schedule decides what may run, threads run it, the journal has it before it happens."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec import Struct

from keyturn.api.errors import Denied, KeptBack, ServiceError, Unsure
from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.diagnostic import Faulty
from keyturn.core.outcome import Ending, Outcome
from keyturn.core.plan import QUIET
from keyturn.core.schedule import Schedule
from keyturn.engine.desk import Desk, Halt, Stale
from keyturn.engine.lifecycle import forget, replace_object, restore, retire
from keyturn.engine.rotate import Rejected, rotate, tested
from keyturn.engine.watch import Watch
from keyturn.engine.work import Written, create, update

WORKERS: Mapping[Action, Callable[[Change, Desk], Written]] = {
    Action.CREATE: create,
    Action.UPDATE: update,
    Action.RENAME: update,
    Action.ADOPT: update,
    Action.ROTATE: rotate,
    Action.RESTORE: restore,
    Action.RETIRE: retire,
    Action.REPLACE: replace_object,
    Action.FORGET: forget,
}


class Ended(Struct, frozen=True):
    """How a set of changes ended; ``denied`` when the key itself was refused, ``halted`` when stopped."""

    outcomes: tuple[Outcome, ...]
    denied: bool = False
    halted: bool = False


def execute(changes: tuple[Change, ...], desk: Desk, watch: Watch, parallelism: int = 8) -> Ended:
    """Make the changes, each as soon as what it waits for is done; return how each of them ended.

    Half as many again as may send at a time are at work: while those wait, these make ready.
    A failure blocks only what waits for it. A refused key or a lost lock stops everything that
    has not begun; what is under way is finished and written down.
    """
    by_address = {change.address: change for change in changes if change.action not in QUIET}
    crew = _Crew(Schedule({address: each.after for address, each in by_address.items()}), by_address, desk)
    workers = parallelism + parallelism // 2
    with ThreadPoolExecutor(workers, thread_name_prefix="apply") as pool:
        while crew.start(pool, workers, watch):
            crew.collect(watch)
    return crew.ended(watch)


class _Crew:
    """The one holder of state in an apply: who is at work, and what has come of it."""

    def __init__(self, schedule: Schedule, changes: Mapping[Address, Change], desk: Desk) -> None:
        self._schedule, self._changes, self._desk = schedule, changes, desk
        self._running: dict[Future[Outcome], Address] = {}
        self._outcomes: dict[Address, Outcome] = {}
        self._culprit: dict[Address, Address] = {}
        self._denied = self._halted = False

    def start(self, pool: ThreadPoolExecutor, workers: int, watch: Watch) -> bool:
        """Put ready changes to work; tell whether anything is running."""
        while len(self._running) < workers and not self._denied and not self._halted:
            address = self._schedule.take()
            if address is None:
                break
            watch.began(self._changes[address])
            self._running[pool.submit(perform, self._changes[address], self._desk)] = address
        return bool(self._running)

    def collect(self, watch: Watch) -> None:
        """Wait for at least one change to end and note how."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in done:
            address = self._running.pop(future)
            try:
                outcome = future.result()
            except Halt:
                self._halted = True
                self._schedule.fail(address)
                continue
            except Denied as error:
                self._denied = self._denied or error.status == 401  # noqa: PLR2004
                outcome = _outcome(self._changes[address], Ending.FAILED, error.message, error.hint)
            self._note(address, outcome)
            watch.ended(outcome)

    def _note(self, address: Address, outcome: Outcome) -> None:
        self._outcomes[address] = outcome
        if outcome.ending is Ending.DONE:
            self._schedule.succeed(address)
            return
        for blocked in self._schedule.fail(address):
            self._culprit[blocked] = address

    def ended(self, watch: Watch) -> Ended:
        """Return every outcome, those of changes that never began included."""
        for address, change in self._changes.items():
            if address in self._outcomes:
                continue
            culprit = self._culprit.get(address)
            message = f"it waits for {culprit}, which failed" if culprit else "the run ended before it began"
            waits = self._schedule.waits_for(address) if culprit else ()
            outcome = Outcome(
                address=address,
                action=change.action.value,
                ending=Ending.BLOCKED,
                message=message,
                waits_for=waits,
            )
            self._outcomes[address] = outcome
            watch.ended(outcome)
        return Ended(tuple(self._outcomes[one] for one in self._changes), self._denied, self._halted)


def perform(change: Change, desk: Desk) -> Outcome:
    """Make one change and say how it ended; raises Halt and Denied, which concern the whole run."""
    try:
        written = WORKERS[change.action](change, desk)
    except Stale as stale:
        return _outcome(change, Ending.STALE, stale.message, "plan again and look at what moved")
    except Rejected as rejected:
        return _rejected(change, rejected)
    except KeptBack:
        raise Halt from None
    except Denied:
        raise
    except Unsure as error:
        hint = "apply again: what became of it is looked up before anything else is written"
        return _outcome(change, Ending.UNSURE, error.message, hint)
    except ServiceError as error:
        return _outcome(change, Ending.FAILED, error.message, error.hint)
    except Faulty as faulty:
        finding = faulty.findings[0]
        return _outcome(change, Ending.FAILED, finding.message, finding.hint)
    return _verified(change, written, desk)


def _verified(change: Change, written: Written, desk: Desk) -> Outcome:
    verdict = tested(change, desk) if change.action not in {Action.RETIRE, Action.FORGET} else None
    if verdict and not verdict.passed:
        hint = "what git says is written; correct it there, or at the target, and apply again"
        return _outcome(change, Ending.FAILED, f"written, but its test fails: {verdict.message}", hint)
    return Outcome(
        address=change.address,
        action=change.action.value,
        ending=Ending.DONE,
        warnings=written.warnings,
    )


def _rejected(change: Change, rejected: Rejected) -> Outcome:
    if rejected.after:
        hint = "set a secret that the target accepts with `keyturn secret set`, and apply again"
        message = f"the new secret fails its test in use: {rejected.message}; {rejected.after}"
    else:
        hint = "nothing that runs was touched; set the secret that the target knows with `keyturn secret set`"
        message = f"the new secret was refused: {rejected.message}"
    return _outcome(change, Ending.FAILED, message, hint)


def _outcome(change: Change, ending: Ending, message: str, hint: str) -> Outcome:
    return Outcome(
        address=change.address, action=change.action.value, ending=ending, message=message, hint=hint
    )
