"""Restore the previous secret after a failed rotation.

The API never returns a secret, but git has the previous one, encrypted. The state names the commit of
the last apply. The manifest of that commit is decrypted, compared by fingerprint with the secret that
was in use, written and tested. If it cannot be decrypted, the rollback fails with a message.
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
from keyturn.operations.apply.connection_tests import ConnectionTest, run_connection_tests
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.read_back import read_object, read_written_object, shows_former_state
from keyturn.operations.apply.writes import send_update_body, with_write_time


def roll_back_secret(
    change: Change, connection_tests: list[ConnectionTest], context: ApplyContext
) -> tuple[str, bool]:
    """Write the previous secret and test it; return a message, and whether the secret was restored."""
    try:
        previous = read_applied_manifest(change, context)
    except DiagnosticError as error:
        return f"rollback failed: {error.diagnostics[0].message}", False
    if previous is None or not previous.secrets or change.entry is None:
        return "rollback failed: git does not have the previous secret", False
    try:
        entry = _write_previous(change, change.entry, previous, context)
    except (ServiceError, StaleObject) as error:
        return f"rollback failed: {error.message}", False
    # Connections with a planned change stay as they are: their change depends on the failed rotation.
    current_tests = [connection_test.current or connection_test for connection_test in connection_tests]
    failed = [verdict for verdict in run_connection_tests(current_tests, context) if not verdict.passed]
    if failed:
        names = ", ".join(str(verdict.address) for verdict in failed)
        return f"rolled back to the previous secret, but its test fails too: {names}", True
    return f"rolled back to the previous secret of commit {entry.commit[:12]}, which passes its tests", True


def read_applied_manifest(change: Change, context: ApplyContext) -> DesiredResource | None:
    """Return the manifest of the last apply, with decrypted secrets.

    None if git does not have all secrets that the service has. Raises DiagnosticError if the manifest
    cannot be read or decrypted.
    """
    entry, desired = change.entry, change.desired
    if entry is None or desired is None or not entry.commit:
        return None
    run = context.run
    file = PurePosixPath(desired.origin.file)
    former_file = str(file.with_name(entry.address.name + file.suffix))
    previous = decrypt_manifest_at(run.project, former_file, entry.commit, run.environment)
    is_applied = _has_applied_secrets(entry, previous, context)
    is_linked = all(leaf in context.ids for leaf in previous.fields.values() if isinstance(leaf, Address))
    return previous if is_applied and is_linked and not previous.kept_secrets else None


def _has_applied_secrets(entry: StateEntry, previous: DesiredResource, context: ApplyContext) -> bool:
    found = {
        f"{to_json_pointer(path)}:{value}" for path, value in context.fingerprint_secrets(previous).items()
    }
    if entry.fingerprints:
        return found == {f"{to_json_pointer(path)}:{value}" for path, value in entry.fingerprints.items()}
    # An uncertain entry has only the fingerprints of earlier secrets.
    earlier = set(entry.earlier)
    return bool(found) and found <= earlier if earlier else not found


def _write_previous(
    change: Change, entry: StateEntry, previous: DesiredResource, context: ApplyContext
) -> StateEntry:
    kind = KINDS["credential"]
    body, before = kind.encode(previous, context.ids), read_object(kind, entry.id, context)
    intent = context.record_intent(change, "update", object=entry.id, expect=previous.address.name)
    response = send_update_body(intent, kind, entry.id, body, context)
    live = read_written_object(
        kind, entry.id, context, lambda live: shows_former_state(live, before, response)
    )
    if (live.updated_at, live.fields) == (before.updated_at, before.fields):
        # The object may still have the new secret, which must not be sent to the previous destination.
        raise StaleObject("no sign that the service stored the previous secret: updated_at did not change")
    # All else stays as before, so the next apply tries the new secret again.
    updated_at = with_write_time(response, live).updated_at
    restored = replace(entry, fingerprints=context.fingerprint_secrets(previous), updated_at=updated_at)
    context.record_success(intent, restored)
    return restored
