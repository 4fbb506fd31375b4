"""Rotation: nothing that runs gets a secret that was not tried first.

Under ``verify`` a credential with the new secrets is made for the test, every connection that
uses the real one is tested against it, and only when all pass the real one is written, in place,
so that its id stays. One test fails, and nothing that runs was touched.
"""

from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from keyturn.client.errors import NotFound, OutcomeUnknown, ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import Change, OutcomeStatus
from keyturn.model.resource import DesiredResource, LiveObject
from keyturn.operations.apply.connection_probe import (
    ConnectionTest,
    ConnectionTestVerdict,
    find_dependents,
    run_connection_tests,
)
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.rollback import roll_back_secret
from keyturn.operations.apply.rotate_replace import replace_credential
from keyturn.operations.apply.writes import OTHER_OBJECT_MESSAGE, WriteResult, find_created, update_object
from keyturn.operations.plan.recovery import PROBE_PREFIX
from keyturn.state.events import Intent


class SecretRejected(Exception):  # noqa: N818
    """Raised where a test says no.

    ``after`` says what was done about it where what runs already had the new secrets; it is empty
    where nothing was touched.
    """

    def __init__(self, verdicts: list[ConnectionTestVerdict], after: str = "") -> None:
        failed = [each for each in verdicts if not each.passed]
        told = "; ".join(f"{each.address}: {each.message or 'no reason given'}" for each in failed)
        super().__init__(told)
        self.message = told
        self.rollback_message = after


def rotate_secrets(change: Change, context: ApplyContext) -> WriteResult:
    """Rotate the secrets of a credential by the strategy of its manifest; raises Rejected."""
    if change.desired is None or change.live is None:
        message = "a rotation without a manifest or a live object"
        raise ValueError(message)
    trials = find_dependents(change, change.live.id, context) if context.tests else []
    strategy = "in_place" if change.desired.type == "oauth" else change.desired.lifecycle.strategy
    if trials and strategy == "replace":
        taken, verdicts = replace_credential(change, trials, context)
        if taken is None:
            raise SecretRejected(verdicts)
        return taken
    if trials and strategy == "verify":
        _test_with_probe(change, change.desired, change.live, trials, context)
    return update_object(change, context, lambda intent: _test_in_place(change, trials, intent, context))


def _test_in_place(
    change: Change, connection_tests: list[ConnectionTest], intent: Intent, context: ApplyContext
) -> None:
    verdicts = run_connection_tests(connection_tests, context)
    if all(each.passed for each in verdicts):
        return
    told, restored = roll_back_secret(change, connection_tests, context)
    if restored:
        context.record_failure(intent, OutcomeStatus.FAILED, "rolled back")
    raise SecretRejected(verdicts, told)


def _test_with_probe(
    change: Change,
    desired: DesiredResource,
    live: LiveObject,
    connection_tests: list[ConnectionTest],
    context: ApplyContext,
) -> None:
    kind = KINDS["credential"]
    name = f"{PROBE_PREFIX}{context.run.new_id()[:12]}"
    stand_in = replace(desired, address=Address("credential", name))
    intent = context.record_intent(change, "probe", expect=name)
    identity = _create_probe(intent, kind.encode(stand_in, context.ids), context)
    try:
        verdicts = run_connection_tests(connection_tests, context, {live.id: identity})
    finally:
        purge_probe(intent, identity, context)
    if not all(each.passed for each in verdicts):
        raise SecretRejected(verdicts)


def _create_probe(intent: Intent, body: dict[str, object], context: ApplyContext) -> str:
    try:
        made = context.run.service.create_record("credentials", body)
    except OutcomeUnknown as error:
        return _find_probe(intent, context, error)
    except ServiceError as error:
        context.record_failure(intent, OutcomeStatus.FAILED, error.request_line)
        raise
    if made.name != intent.expect:
        return _find_probe(intent, context, StaleObject(OTHER_OBJECT_MESSAGE))
    return made.id


def _find_probe(intent: Intent, context: ApplyContext, error: Exception) -> str:
    found = find_created(
        replace(intent, address=Address("credential", intent.expect)), KINDS["credential"], context
    )
    if len(found) != 1:
        raise error
    return found[0].id


def purge_probe(intent: Intent, identity: str, context: ApplyContext, *, again: bool = False) -> None:
    """Delete a probe for good, and end its intent; what fails stays open for the next run.

    Only who asks ``again`` takes "there is none" for an answer: what was just made is there.
    """
    service = context.run.service
    if not context.may_write():
        return
    try:
        # With its id on record, a probe is found again even in the trash.
        intent = replace(intent, object=identity)
        context.journal.append(intent)
        for send in (partial(service.retire_record, "credentials"), service.purge_credential):
            with suppress(*(NotFound,) * again):
                send(identity, idempotent=True)
    except ServiceError:
        return
    context.record_success(intent)


def check_written_connection(change: Change, context: ApplyContext) -> ConnectionTestVerdict | None:
    """Test the connection that a change wrote, with the credential that it now uses."""
    if change.address.kind != "connection" or not context.tests or change.desired is None:
        return None
    fields = {
        path: context.ids.get(leaf, leaf) if isinstance(leaf, Address) else leaf
        for path, leaf in change.desired.fields.items()
    }
    (verdict,) = run_connection_tests(
        [ConnectionTest(change.address, context.ids[change.address], change.desired.type, fields)], context
    )
    return verdict
