"""The approval of an apply: is the plan the approved one, or what an interrupted apply of it left?

Rule: a run that names the digest of the newest apply in the journal may do what is left of the approved
operations. It does no operation that was not approved, and none whose object somebody else changed.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, Struct

from keyturn.model.change import Action, Change
from keyturn.model.plan import Plan, hash_json, operation_payload
from keyturn.operations.plan.plan import PlanOptions
from keyturn.state.events import ApprovedOperation, Intent, RunApproval, RunStarted
from keyturn.state.journal_record import JournalRecord, read_journal_records
from keyturn.state.stores.base import StateStore

_REMOVING_ACTIONS: Final = frozenset({Action.RETIRE.value, Action.FORGET.value})


class ApprovedRuns(Struct, frozen=True):
    """The runs of one approval: what was approved, and the intents that these runs recorded."""

    approval: RunApproval
    intents: tuple[Intent, ...]


def find_run_approval(store: StateStore, plan: Plan, options: PlanOptions, digest: str) -> RunApproval:
    """Return what the journal records about the approval of a plan.

    ``digest`` is empty if a person confirmed the plan; then the operations are left out. For the digest of
    an earlier run, the result is what that run recorded.
    """
    current = plan.approval_digest()
    if not digest:
        return RunApproval(digest=current, consents=options.list_arguments())
    runs = find_approved_runs(store, digest) if digest != current else None
    return runs.approval if runs else _build_run_approval(plan, options, digest)


def _build_run_approval(plan: Plan, options: PlanOptions, digest: str) -> RunApproval:
    return RunApproval(
        digest=digest,
        consents=options.list_arguments(),
        inputs=_hash_inputs(plan),
        manifests=dict(plan.inputs.manifests),
        open_intents=tuple(plan.inputs.open_intents),
        operations={str(change.address): _to_approved_operation(change) for change in plan.operations},
    )


def find_approved_runs(store: StateStore, digest: str) -> ApprovedRuns | None:
    """Return the runs of an approval if the newest apply of the journal is one of them."""
    return _collect_runs(read_journal_records(store.open_log().read(0)), digest)


def _collect_runs(records: Iterable[JournalRecord], digest: str) -> ApprovedRuns | None:
    approval: RunApproval | None = None
    intents: list[Intent] = []
    is_member = False
    for record in records:
        event = record.event
        if isinstance(event, RunStarted):
            found = event.approval
            is_member = found is not UNSET and found.digest == digest and bool(found.inputs)
            if is_member and found is not UNSET:
                approval = approval or found
            elif event.command == "apply":
                approval, intents = None, []
        elif isinstance(event, Intent) and is_member:
            intents.append(event)
    return ApprovedRuns(approval, tuple(intents)) if approval else None


def list_unapproved(plan: Plan, runs: ApprovedRuns) -> tuple[str, ...]:
    """Return what in a plan is not a rest of the approved operations; empty if an apply may go on."""
    approval = runs.approval
    known_intents = {*approval.open_intents, *(intent.id for intent in runs.intents)}
    lines = [] if _hash_inputs(plan) == approval.inputs else ["the settings or options"]
    lines += [
        f"{address}: the content of its manifest"
        for address, digest in plan.inputs.manifests.items()
        if not _is_approved_manifest(address, digest, approval)
    ]
    lines += [
        f"a request of another run is open: {text}"
        for intent, text in plan.inputs.open_intents.items()
        if intent not in known_intents
    ]
    touched = {str(intent.address) for intent in runs.intents}
    lines += [
        f"{change.address}: {change.action.value} was not approved in this form"
        for change in plan.operations
        if not _is_rest_of_approved(change, approval, touched)
    ]
    return tuple(sorted(lines))


def _is_approved_manifest(address: str, digest: str, approval: RunApproval) -> bool:
    operation = approval.operations.get(address)
    return approval.manifests.get(address) == digest or (
        operation is not None and operation.manifest == digest
    )


def _is_rest_of_approved(change: Change, approval: RunApproval, touched: set[str]) -> bool:
    address = str(change.address)
    approved, now = approval.operations.get(address), _to_approved_operation(change)
    if approved is None or approved == now:
        return approved is not None
    # An approved run wrote to this object, so its version, and with it the action, may differ.
    return (
        address in touched
        and approved.manifest == now.manifest
        and (approved.action in _REMOVING_ACTIONS) == (now.action in _REMOVING_ACTIONS)
        and not change.exposures
        and not _is_changed_by_others(change)
    )


def _is_changed_by_others(change: Change) -> bool:
    if change.live is None:
        return False
    # An entry without a version belongs to a write whose outcome is unknown.
    return change.entry is None or change.entry.updated_at not in ("", change.live.updated_at)


def _to_approved_operation(change: Change) -> ApprovedOperation:
    payload = operation_payload(change)
    return ApprovedOperation(payload["action"], payload["manifest"], hash_json(payload))


def _hash_inputs(plan: Plan) -> str:
    return hash_json([plan.approved_settings, list(plan.inputs.options)])
