"""Approves the destinations of changes by the seals of their manifests."""

from keyturn.manifests.connection_seal import is_sealed_connection
from keyturn.model.change import Change
from keyturn.planning.inputs import PlanInputs
from keyturn.planning.sealed_destinations import SealApproval, list_credential_ids
from keyturn.project.workspace_key import WorkspaceKey
from keyturn.schema.definitions import is_destination


def judge_seals(
    key: WorkspaceKey | None, changes: tuple[Change, ...], inputs: PlanInputs
) -> tuple[Change, ...]:
    """Return the changes with the exposures that no seal approves; unchanged in a workspace without a key."""
    if key is None:
        return changes
    sealed = frozenset(
        change.address
        for change in changes
        if change.desired and is_sealed_connection(change.desired, key.workspace, key.public_key)
    )
    approval = SealApproval(
        inputs=inputs,
        is_destination=is_destination,
        sealed=sealed,
        credential_ids=list_credential_ids(inputs),
    )
    return approval.judge_changes(changes)
