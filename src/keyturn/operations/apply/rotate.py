"""Rotate the secrets of a credential by the strategy of its manifest; test the new secret first if possible.

- ``verify``: create a temporary credential (the probe) with the new secrets, test every dependent
  connection with it, delete it. If all tests pass, write the real credential; its ID stays. If one
  fails, nothing in use was changed.
- ``replace``: see ``rotate_replace``.
- ``in_place``: write the credential, then test; if a test fails, see ``rollback``. OAuth credentials
  always use this strategy.
"""

from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from keyturn.client.errors import NotFound, OutcomeUnknown, ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import Change, OutcomeStatus
from keyturn.model.clock import WaitInterruptedError
from keyturn.operations.apply.connection_tests import (
    ConnectionTest,
    ConnectionTestVerdict,
    find_dependents,
    run_connection_tests,
)
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.read_back import OTHER_OBJECT_MESSAGE
from keyturn.operations.apply.rollback import roll_back_secret
from keyturn.operations.apply.rotate_replace import replace_credential
from keyturn.operations.apply.writes import (
    WriteResult,
    find_created,
    require_desired,
    update_object,
)
from keyturn.operations.plan.usage_graph import collect_strings
from keyturn.state.events import Intent

_PROBE_PREFIX = "keyturn-probe-"
_PROBE_ID_LENGTH = 12


class SecretRejected(Exception):
    """A connection test with the new secret failed.

    ``rollback_message`` describes the rollback; it is empty if nothing in use was changed.
    """

    def __init__(self, verdicts: list[ConnectionTestVerdict], rollback_message: str = "") -> None:
        failed = [verdict for verdict in verdicts if verdict.has_failed] or verdicts
        self.message = "; ".join(
            f"{verdict.address}: {verdict.message or 'no reason given'}" for verdict in failed
        )
        self.rollback_message = rollback_message
        self.is_inconclusive = all(verdict.inconclusive for verdict in failed)
        super().__init__(self.message)


def rotate_secrets(change: Change, context: ApplyContext) -> WriteResult:
    """Rotate the secrets of a credential; raises SecretRejected if a connection test fails."""
    if change.desired is None or change.live is None:
        message = "rotate without a manifest or a live object"
        raise ValueError(message)
    connection_tests = find_dependents(change, change.live.id, context) if context.tests else []
    strategy = "in_place" if change.desired.type == "oauth" else change.desired.lifecycle.strategy
    if connection_tests and strategy == "replace":
        written, verdicts = replace_credential(change, connection_tests, context)
        if written is None:
            raise SecretRejected(verdicts)
        return written
    if connection_tests and strategy == "verify":
        _test_with_probe(change, change.live.id, connection_tests, context)
    return update_object(
        change, context, lambda intent: _test_in_place(change, connection_tests, intent, context)
    )


def _test_in_place(
    change: Change, connection_tests: list[ConnectionTest], intent: Intent, context: ApplyContext
) -> None:
    verdicts = run_connection_tests(connection_tests, context)
    if not any(verdict.has_failed for verdict in verdicts):
        return
    if all(verdict.inconclusive for verdict in verdicts if verdict.has_failed):
        # The intent stays open, so the next apply writes the secret again and tests it.
        raise SecretRejected(verdicts, "not rolled back, because a test that did not run says nothing")
    message, is_restored = roll_back_secret(change, connection_tests, context)
    if is_restored:
        context.record_failure(intent, OutcomeStatus.FAILED, "rolled back")
    raise SecretRejected(verdicts, message)


def _test_with_probe(
    change: Change, credential_id: str, connection_tests: list[ConnectionTest], context: ApplyContext
) -> None:
    kind, desired = KINDS["credential"], require_desired(change)
    intent_id = context.run.new_id()
    name = build_probe_name(intent_id)
    probe = replace(desired, address=Address("credential", name))
    intent = context.record_intent(change, "probe", id=intent_id, expect=name)
    probe_id = _create_probe(intent, kind.encode(probe, context.ids), context)
    try:
        verdicts = run_connection_tests(connection_tests, context, {credential_id: probe_id})
    finally:
        purge_probe(intent, probe_id, context)
    if not all(verdict.passed for verdict in verdicts):
        raise SecretRejected(verdicts)


def _create_probe(intent: Intent, body: dict[str, object], context: ApplyContext) -> str:
    try:
        created = context.run.service.create_record("credentials", body)
    except OutcomeUnknown as error:
        return _find_probe(intent, context, error)
    except ServiceError as error:
        context.record_failure(intent, OutcomeStatus.FAILED, error.request_line)
        raise
    if created.name != intent.expect:
        return _find_probe(intent, context, StaleObject(OTHER_OBJECT_MESSAGE))
    return created.id


def _find_probe(intent: Intent, context: ApplyContext, error: Exception) -> str:
    probe_intent = replace(intent, address=Address("credential", intent.expect))
    try:
        found = find_created(probe_intent, KINDS["credential"], context)
    except WaitInterruptedError:
        raise error from None
    if len(found.proven) != 1:
        raise error
    return found.proven[0].id


def build_probe_name(intent_id: str) -> str:
    """Return the name of the probe of an intent."""
    return f"{_PROBE_PREFIX}{intent_id[:_PROBE_ID_LENGTH]}"


def purge_probe(intent: Intent, probe_id: str, context: ApplyContext, *, may_be_gone: bool = False) -> None:
    """Delete a probe permanently and record its intent as done; after an error the intent stays open.

    With ``may_be_gone``, 404 counts as deleted. A probe of this run exists, so its 404 is an error.
    """
    service = context.run.service
    if not context.may_write():
        return
    try:
        # With the ID in the journal, the next run finds the probe even if it is soft-deleted.
        intent = replace(intent, object=probe_id)
        context.journal.append(intent)
        ignored = (NotFound,) if may_be_gone else ()
        for send in (partial(service.retire_record, "credentials"), service.purge_credential):
            with suppress(*ignored):
                send(probe_id, idempotent=True)
    except ServiceError:
        return
    context.record_success(intent)


def purge_leftover_probe(intent: Intent, probe_id: str, context: ApplyContext) -> None:
    """Purge a probe of an interrupted run; delete nothing that is not provably a probe.

    The journal alone is no proof: whoever can write it could name any object. Without the proof the
    intent is recorded as failed.
    """
    try:
        is_probe = _is_unused_probe(intent, probe_id, context)
    except ServiceError:
        return
    if is_probe:
        purge_probe(intent, probe_id, context, may_be_gone=True)
    else:
        context.record_failure(intent, OutcomeStatus.FAILED, "the object is not a probe; nothing was deleted")


def _is_unused_probe(intent: Intent, probe_id: str, context: ApplyContext) -> bool:
    if probe_id in context.entries or intent.expect != build_probe_name(intent.id):
        return False
    service = context.run.service
    with suppress(NotFound):  # some deployments hide a soft-deleted object
        if service.read_record("credentials", probe_id).name != intent.expect:
            return False
    connections = service.list_records("connections").records
    return not any(probe_id in collect_strings(record) for record in connections)


def check_written_connection(change: Change, context: ApplyContext) -> ConnectionTestVerdict | None:
    """Test a connection after its change; None if there is nothing to test or tests are disabled."""
    if change.address.kind != "connection" or not context.tests or change.desired is None:
        return None
    fields = {
        path: context.ids.get(leaf, leaf) if isinstance(leaf, Address) else leaf
        for path, leaf in change.desired.fields.items()
    }
    connection_test = ConnectionTest(
        address=change.address, id=context.ids[change.address], type=change.desired.type, fields=fields
    )
    (verdict,) = run_connection_tests([connection_test], context)
    return verdict
