"""The inputs of an apply and how the approval digest covers them.

Rule: each field of ``INPUT_TYPES`` and each parameter of ``keyturn apply`` has a row in ``INPUT_ROWS``.
A field of the settings without a row is covered all the same; a test finds the missing row.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct

from keyturn.model.address import Address
from keyturn.model.change import Change
from keyturn.model.plan import NO_OP_ACTIONS, ApprovalInputs
from keyturn.planning.inputs import PlanInputs
from keyturn.policy.settings import PolicySettings
from keyturn.project.project import Project, Workspace
from keyturn.project.workspace_key import load_workspace_key
from keyturn.state.events import Intent


class Coverage(Enum):
    """The part of the digest that covers an input."""

    SETTINGS = "settings"
    OPTIONS = "options"
    MANIFESTS = "manifests"
    OPEN_INTENTS = "open_intents"
    OPERATIONS = "operations"
    NONE = "none"


class InputRow(Struct, frozen=True):
    """How the digest covers an input; ``reason`` says why it does not, or which other input covers it."""

    coverage: Coverage
    reason: str = ""


def _not_covered(reason: str) -> InputRow:
    return InputRow(Coverage.NONE, reason)


_SETTINGS: Final = InputRow(Coverage.SETTINGS)
_OPTIONS: Final = InputRow(Coverage.OPTIONS)
_OPERATIONS: Final = InputRow(Coverage.OPERATIONS)

INPUT_ROWS: Final[Mapping[str, InputRow]] = MappingProxyType(
    {
        "Workspace.name": _SETTINGS,
        "Workspace.base_url": _SETTINGS,
        "Workspace.organization": _SETTINGS,
        "Workspace.api_key": _SETTINGS,
        "Workspace.manifests": _SETTINGS,
        "Workspace.state_url": _SETTINGS,
        "Workspace.put": _SETTINGS,
        "Workspace.pace": _not_covered("it limits how fast requests are sent, not which"),
        "Project.root": _not_covered("the place of the checkout differs from machine to machine"),
        "Project.workspaces": _not_covered("an apply reads one workspace, whose fields have their own rows"),
        "Project.policy": _SETTINGS,
        "Project.decryptor": _SETTINGS,
        "Project.fingerprint_key": _SETTINGS,
        "Project.digest": _not_covered("each setting is covered; comments and the order of keys are free"),
        "Project.revision": _not_covered("a merge changes the commit, not the settings in it"),
        **{
            f"PolicySettings.{name}": _SETTINGS
            for name in PolicySettings.__struct_fields__
            if name != "origin"
        },
        "PolicySettings.origin": _not_covered("it is the line of the section in keyturn.yaml"),
        "WorkspaceKey.public_key": InputRow(Coverage.SETTINGS, "as the ID of the key"),
        "WorkspaceKey.workspace": InputRow(Coverage.SETTINGS, "as the name of the workspace"),
        "WorkspaceKey.file": _not_covered("its name is that of the workspace"),
        "WorkspaceKey.settings": _not_covered("they are verified to be the current settings"),
        "WorkspaceKey.seal": _not_covered("it is verified, and each sealed setting is covered"),
        "PlanOptions.targets": _OPTIONS,
        "PlanOptions.approvals": _OPTIONS,
        "PlanOptions.reassert": _OPTIONS,
        "PlanOptions.tests": _OPTIONS,
        "ApplyOptions.parallelism": _not_covered("it limits concurrent requests, not which are sent"),
        "ApplyOptions.lock_timeout": _not_covered("it is the time before anything is read"),
        "ApplyOptions.deadline": _not_covered("it may end an apply early, which another run continues"),
        "ApplyOptions.is_stopped": _not_covered("an interrupt ends an apply early"),
        "ApplyOptions.approval": _not_covered("it is the approval itself, recorded in the journal"),
        "PlanInputs.desired": InputRow(Coverage.OPERATIONS, "and in `manifests` without an operation"),
        "PlanInputs.entries": _OPERATIONS,
        "PlanInputs.live": InputRow(Coverage.OPERATIONS, "as the precondition of each operation"),
        "PlanInputs.fingerprints": InputRow(Coverage.OPERATIONS, "as the status of each secret"),
        "State.open_intents": InputRow(Coverage.OPEN_INTENTS),
        "State.entries": InputRow(Coverage.OPERATIONS, "see PlanInputs.entries"),
        "State.workspace": InputRow(Coverage.SETTINGS, "another workspace's state is refused"),
        "State.organization": InputRow(Coverage.SETTINGS, "another organization's state is refused"),
        "State.version": _not_covered("another version is refused"),
        "State.serial": _not_covered("it counts documents; the entries of each operation are covered"),
        "State.position": _not_covered("it is the end of the journal; its open intents are covered"),
        "apply.planfile": _not_covered("it is the approval itself"),
        "apply.approve": _not_covered("it is the approval itself"),
        "apply.auto": _not_covered("it replaces the approval"),
        "apply.workspace": InputRow(Coverage.SETTINGS, "as the name of the workspace"),
        "apply.folder": _not_covered("it leads to the project, whose settings are covered"),
        "apply.targets": _OPTIONS,
        "apply.reassert": _OPTIONS,
        "apply.adopt": _OPTIONS,
        "apply.allow_destination_change": _OPTIONS,
        "apply.allow_reuse": _OPTIONS,
        "apply.allow_restore": _OPTIONS,
        "apply.allow_retire": _OPTIONS,
        "apply.allow_rotate": _OPTIONS,
        "apply.allow_empty": _OPTIONS,
        "apply.allow_older_commit": _OPTIONS,
        "apply.no_test": _OPTIONS,
        "apply.parallelism": _not_covered("see ApplyOptions.parallelism"),
        "apply.lock_timeout": _not_covered("see ApplyOptions.lock_timeout"),
        "apply.deadline": _not_covered("see ApplyOptions.deadline"),
        "apply.form": _not_covered("it is the format of the output"),
    }
)
"""The row of each input, by ``TYPE.field`` or ``apply.PARAMETER``."""

_FIELD_NAMES: Final = {"state_url": "state"}
"""The names of settings in keyturn.yaml, where they differ from those of the fields."""


def find_key_id(project: Project, workspace: Workspace, environment: Mapping[str, str]) -> str:
    """Return the ID of the workspace's key, empty without one; raises DiagnosticError for a damaged key."""
    key = load_workspace_key(project, workspace, environment)
    return key.public_key.key_id if key else ""


def list_approved_settings(project: Project, workspace: Workspace, key_id: str) -> dict[str, Any]:
    """Return the settings that an approval covers, by their names in keyturn.yaml, as JSON values."""
    return {
        "workspace": workspace.name,
        "key": key_id,
        **_list_covered_fields(workspace, leave_out="name"),
        **_list_covered_fields(project, leave_out="policy"),
        **{f"policy.{name}": value for name, value in _list_covered_fields(project.policy).items()},
    }


def _list_covered_fields(
    settings: Workspace | Project | PolicySettings, leave_out: str = ""
) -> dict[str, Any]:
    kind = type(settings).__name__
    return {
        _FIELD_NAMES.get(name, name): _to_json(getattr(settings, name))
        for name in settings.__struct_fields__
        if name != leave_out and not _is_free(f"{kind}.{name}")
    }


def _is_free(name: str) -> bool:
    row = INPUT_ROWS.get(name)
    return row is not None and row.coverage is Coverage.NONE


def _to_json(value: object) -> Any:
    # Decoded again, a tuple is a list, as in the JSON of a saved plan.
    return msgspec.json.decode(msgspec.json.encode(value, order="deterministic", enc_hook=dict))


def build_approval_inputs(
    settings: Mapping[str, Any],
    options: tuple[str, ...],
    inputs: PlanInputs,
    changes: tuple[Change, ...],
    open_intents: tuple[Intent, ...],
) -> ApprovalInputs:
    """Return what an approval covers besides the operations; ``options`` are arguments of the command."""
    return ApprovalInputs(
        settings=settings,
        options=options,
        manifests=_list_recorded_manifests(inputs, changes),
        open_intents={each.id: f"{each.operation} {each.address} {each.object}" for each in open_intents},
    )


def _list_recorded_manifests(inputs: PlanInputs, changes: tuple[Change, ...]) -> dict[str, str]:
    # Without an operation, an apply records the content of a changed manifest, its protection included.
    operated = {change.address for change in changes if change.action not in NO_OP_ACTIONS}
    return {
        str(address): desired.digest
        for address, desired in inputs.desired.items()
        if address not in operated and not _is_recorded(address, inputs)
    }


def _is_recorded(address: Address, inputs: PlanInputs) -> bool:
    entry = inputs.entries.get(address)
    return entry is not None and entry.digest == inputs.desired[address].digest
