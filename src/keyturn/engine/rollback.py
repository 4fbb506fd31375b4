"""Back to the previous secret: the API never returns it, but git still has it, encrypted.

The ledger names the commit that was applied last. What that commit holds is opened, compared by
fingerprint with what was in use, written back and tested. What cannot be opened cannot be rolled
back, and that is said.
"""

from pathlib import PurePosixPath

from msgspec.structs import replace

from keyturn.api.errors import ServiceError
from keyturn.core.address import Address
from keyturn.core.change import Change
from keyturn.core.diagnostic import Faulty
from keyturn.core.fields import pointer
from keyturn.core.resource import Desired, Known
from keyturn.engine.desk import Desk, Stale
from keyturn.engine.probe import Trial, run_tests
from keyturn.engine.work import as_written, read
from keyturn.kinds import KINDS
from keyturn.load.previous import as_committed


def roll_back(change: Change, trials: list[Trial], desk: Desk) -> tuple[str, bool]:
    """Write the previous secret back and test it; return what became of it, and whether it is back."""
    try:
        before = in_use(change, desk)
    except Faulty as faulty:
        return f"it could not be rolled back: {faulty.findings[0].message}", False
    if before is None or not before.secrets or change.known is None:
        return "it could not be rolled back: git does not hold the secret that was in use", False
    try:
        entry = _write(change, change.known, before, desk)
    except (ServiceError, Stale) as error:
        return f"the roll-back did not go through: {error.message}", False
    # What this apply was to move stays where it is: it waits for the rotation that failed.
    standing = [trial.now or trial for trial in trials]
    failed = [each for each in run_tests(standing, desk) if not each.passed]
    if failed:
        names = ", ".join(str(each.address) for each in failed)
        return f"the previous secret is back, and its test fails too: {names}", True
    return f"the previous secret is back and passes its tests, as of commit {entry.commit[:12]}", True


def in_use(change: Change, desk: Desk) -> Desired | None:
    """Return the manifest that was applied last, with every secret opened that the service holds.

    None where git does not hold them all; raises Faulty where what it holds cannot be read or opened.
    """
    known, desired = change.known, change.desired
    if known is None or desired is None or not known.commit:
        return None
    run = desk.run
    file = PurePosixPath(desired.origin.file)
    former = str(file.with_name(known.address.name + file.suffix))
    before = as_committed(run.project, former, known.commit, run.environment)
    held = {f"{pointer(path)}:{value}" for path, value in known.fingerprints.items()} or set(known.earlier)
    prints = {f"{pointer(path)}:{value}" for path, value in desk.prints(before).items()}
    # Of an entry in doubt only the fingerprints of the past are left.
    same = prints == held if known.fingerprints or not held else bool(prints) and prints <= held
    linked = all(leaf in desk.ids for leaf in before.fields.values() if isinstance(leaf, Address))
    return before if same and linked and not before.keep else None


def _write(change: Change, known: Known, before: Desired, desk: Desk) -> Known:
    kind = KINDS["credential"]
    body, now = kind.encode(before, desk.ids), read(kind, known.id, desk)
    intent = desk.intend(change, "update", object=known.id, expect=before.address.name)
    service = desk.run.service
    answer = desk.send_write(intent, lambda: service.update(kind.collection, known.id, body, idempotent=True))
    back = read(kind, known.id, desk)
    if (back.updated_at, back.fields) == (now.updated_at, now.fields):
        # It may hold the new secret still, and no test may take that to the old place.
        raise Stale("the service shows no sign that it took the previous secret")
    # As it was, but for the time of this write: the next apply tries the new secret again.
    at = as_written(answer, back).updated_at
    entry = replace(known, fingerprints=desk.prints(before), updated_at=at)
    desk.finish(intent, entry)
    return entry
