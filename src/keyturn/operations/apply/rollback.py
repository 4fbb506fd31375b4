"""Back to the previous secret: the API never returns it, but git still has it, encrypted.

The state names the commit that was applied last. What that commit holds is opened, compared by
fingerprint with what was in use, written back and tested. What cannot be opened cannot be rolled
back, and that is said.
"""

from pathlib import PurePosixPath

from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.kinds import KINDS
from keyturn.manifests.secrets import decrypt_manifest_at
from keyturn.model.address import Address
from keyturn.model.change import Change
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import to_json_pointer
from keyturn.model.resource import DesiredResource, StateEntry
from keyturn.operations.apply.connection_probe import ConnectionTest, run_connection_tests
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.writes import read_object, with_write_time


def roll_back_secret(
    change: Change, connection_tests: list[ConnectionTest], context: ApplyContext
) -> tuple[str, bool]:
    """Write the previous secret back and test it; return what became of it, and whether it is back."""
    try:
        before = previously_applied(change, context)
    except DiagnosticError as faulty:
        return f"it could not be rolled back: {faulty.diagnostics[0].message}", False
    if before is None or not before.secrets or change.entry is None:
        return "it could not be rolled back: git does not hold the secret that was in use", False
    try:
        entry = _write_previous(change, change.entry, before, context)
    except (ServiceError, StaleObject) as error:
        return f"the roll-back did not go through: {error.message}", False
    # What this apply was to move stays where it is: it waits for the rotation that failed.
    standing = [trial.current or trial for trial in connection_tests]
    failed = [each for each in run_connection_tests(standing, context) if not each.passed]
    if failed:
        names = ", ".join(str(each.address) for each in failed)
        return f"the previous secret is back, and its test fails too: {names}", True
    return f"the previous secret is back and passes its tests, as of commit {entry.commit[:12]}", True


def previously_applied(change: Change, context: ApplyContext) -> DesiredResource | None:
    """Return the manifest that was applied last, with every secret opened that the service holds.

    None where git does not hold them all; raises Faulty where what it holds cannot be read or opened.
    """
    known, desired = change.entry, change.desired
    if known is None or desired is None or not known.commit:
        return None
    run = context.run
    file = PurePosixPath(desired.origin.file)
    former = str(file.with_name(known.address.name + file.suffix))
    before = decrypt_manifest_at(run.project, former, known.commit, run.environment)
    held = {f"{to_json_pointer(path)}:{value}" for path, value in known.fingerprints.items()} or set(
        known.earlier
    )
    prints = {
        f"{to_json_pointer(path)}:{value}" for path, value in context.fingerprint_secrets(before).items()
    }
    # Of an entry in doubt only the fingerprints of the past are left.
    same = prints == held if known.fingerprints or not held else bool(prints) and prints <= held
    linked = all(leaf in context.ids for leaf in before.fields.values() if isinstance(leaf, Address))
    return before if same and linked and not before.kept_secrets else None


def _write_previous(
    change: Change, previous_entry: StateEntry, before: DesiredResource, context: ApplyContext
) -> StateEntry:
    kind = KINDS["credential"]
    body, now = kind.encode(before, context.ids), read_object(kind, previous_entry.id, context)
    intent = context.record_intent(change, "update", object=previous_entry.id, expect=before.address.name)
    service = context.run.service
    answer = context.send_write(
        intent, lambda: service.update_record(kind.collection, previous_entry.id, body, idempotent=True)
    )
    back = read_object(kind, previous_entry.id, context)
    if (back.updated_at, back.fields) == (now.updated_at, now.fields):
        # It may hold the new secret still, and no test may take that to the old place.
        raise StaleObject("the service shows no sign that it took the previous secret")
    # As it was, but for the time of this write: the next apply tries the new secret again.
    at = with_write_time(answer, back).updated_at
    entry = replace(previous_entry, fingerprints=context.fingerprint_secrets(before), updated_at=at)
    context.record_success(intent, entry)
    return entry
