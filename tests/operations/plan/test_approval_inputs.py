"""Each input of an apply: the digest covers it, or its row says why not."""

from pathlib import Path
from typing import Any, get_type_hints

import click
import pytest
from msgspec import Struct
from msgspec.structs import replace

from flipped_values import flip
from keyturn.cli.commands.apply import apply_command
from keyturn.cli.context import parse_plan_options
from keyturn.model.address import Address
from keyturn.model.plan import Plan
from keyturn.operations.apply.session import ApplyOptions
from keyturn.operations.plan.approval_inputs import (
    INPUT_ROWS,
    Coverage,
    build_approval_inputs,
    list_approved_settings,
)
from keyturn.operations.plan.plan import PlanOptions
from keyturn.planning.diff import compute_changes
from keyturn.planning.inputs import PlanInputs
from keyturn.policy.settings import Environment, PolicySettings, SeverityOverride
from keyturn.project.project import ApiKeySource, Project, Workspace
from keyturn.project.workspace_key import WorkspaceKey
from keyturn.state.document import State
from keyturn.state.events import Intent
from sample_resources import credential_address, make_desired, make_live_object, make_state_entry

DB, IDLE = credential_address("prod-db"), credential_address("prod-idle")
WORKSPACE = Workspace(
    name="prod",
    base_url="https://api.example",
    organization="org_1",
    api_key=ApiKeySource("env", "KEY"),
    manifests=("manifests/prod",),
    state_url="file:.keyturn/prod",
)
PROJECT = Project(
    root=Path("/srv/repository"),
    workspaces={"prod": WORKSPACE},
    policy=PolicySettings(
        environments={"prod": Environment("prod-", production=True)},
        recipients={"manifests": ("age1x",)},
        rules={"KT310": (SeverityOverride(None),)},
    ),
)
DESIRED = make_desired(DB, {"host": "b"}, secrets={"password": "p"})
KNOWN = make_state_entry(make_desired(DB, {"host": "a"}, secrets={"password": "p"}), "id1", {"password": "f"})
IDLE_DESIRED = replace(make_desired(IDLE, {"host": "x"}), digest="d1")
IDLE_KNOWN = make_state_entry(IDLE_DESIRED, "id2")
INPUTS = PlanInputs(
    desired={DB: DESIRED, IDLE: IDLE_DESIRED},
    entries={DB: KNOWN, IDLE: IDLE_KNOWN},
    live={"id1": make_live_object(KNOWN), "id2": make_live_object(IDLE_KNOWN)},
    fingerprints={DB: {("password",): "f"}},
)
NO_OPTIONS = PlanOptions()
INTENT = Intent(id="i1", operation="update", address=DB, action="update", object="id1")


def compute_digest(
    *, workspace=WORKSPACE, project=PROJECT, options=NO_OPTIONS, inputs=INPUTS, open_intents=(), key_id="k1"
):
    """Return the digest of the plan of these inputs."""
    changes = compute_changes(inputs)
    approved = build_approval_inputs(
        list_approved_settings(project, workspace, key_id),
        options.list_arguments(),
        inputs,
        changes,
        open_intents,
    )
    plan = Plan(
        workspace=workspace.name, organization=workspace.organization, changes=changes, inputs=approved
    )
    return plan.approval_digest()


def list_fields(*forms: type[Struct]) -> list[str]:
    """Return the names of the rows of these types."""
    return [f"{form.__name__}.{name}" for form in forms for name in form.__struct_fields__]


SETTINGS = {"Workspace": WORKSPACE, "Project": PROJECT, "PolicySettings": PROJECT.policy}
FIELDS = list_fields(
    Workspace, Project, PolicySettings, WorkspaceKey, PlanOptions, ApplyOptions, PlanInputs, State
)
PARAMETERS = [f"apply.{each.name}" for each in apply_command.params if each.expose_value]


@pytest.mark.parametrize("name", [*FIELDS, *PARAMETERS])
def test_each_input_has_a_row(name):
    """A new input is added to ``INPUT_ROWS``, with the part of the digest that covers it or the reason."""
    assert name in INPUT_ROWS, f"add a row for {name} to INPUT_ROWS of operations/plan/approval_inputs.py"
    row = INPUT_ROWS[name]
    assert row.reason or row.coverage is not Coverage.NONE


def test_no_row_is_about_nothing():
    """A row of an input that no longer exists would hide that its successor has none."""
    assert set(INPUT_ROWS) == {*FIELDS, *PARAMETERS}


def apply_setting(kind: str, value: Struct) -> str:
    """Return the digest with other settings of a kind."""
    if kind == "PolicySettings":
        return compute_digest(project=replace(PROJECT, policy=value))
    return compute_digest(**{kind.lower(): value})


@pytest.mark.parametrize("name", list_fields(Workspace, Project, PolicySettings))
def test_each_setting_is_covered_as_its_row_says(name):
    """Each field and each field below it is flipped on its own."""
    kind, _, field = name.partition(".")
    if name in {"Project.policy", "Project.workspaces", "Project.root"}:
        assert (INPUT_ROWS[name].coverage is Coverage.NONE) == (name != "Project.policy")
        return
    value = SETTINGS[kind]
    flipped = list(flip(getattr(value, field), get_type_hints(type(value))[field]))
    assert flipped
    is_covered = INPUT_ROWS[name].coverage is Coverage.SETTINGS
    for other in flipped:
        digest = apply_setting(kind, replace(value, **{field: other}))
        assert (digest != compute_digest()) is is_covered, (name, other)
        same_start = digest[:16] == compute_digest()[:16]
        assert same_start is not is_covered


def test_another_key_is_another_approval():
    """Whoever holds the key signs the state and the seals."""
    assert compute_digest(key_id="k2")[:16] != compute_digest()[:16]


def test_each_option_of_a_plan_is_covered():
    """Each field of the options and the consents."""
    flipped = list(flip(PlanOptions(), PlanOptions))
    assert len(flipped) == len(PlanOptions.__struct_fields__) - 1 + len(
        PlanOptions().approvals.__struct_fields__
    )
    digests = {compute_digest(options=each) for each in flipped}
    assert len(digests | {compute_digest()}) == len(flipped) + 1
    for each in flipped:
        assert compute_digest(options=each)[:16] == compute_digest()[:16]


@pytest.mark.parametrize("parameter", [each for each in apply_command.params if each.expose_value])
def test_each_option_of_the_command_is_covered_as_its_row_says(parameter):
    """Each option that the row calls covered changes the options that a digest covers."""
    value: Any = True if getattr(parameter, "is_flag", False) else ("x",) if parameter.multiple else "x"
    if isinstance(parameter.type, click.types.IntParamType):
        value = 3
    options = parse_plan_options({parameter.name: value})
    is_covered = INPUT_ROWS[f"apply.{parameter.name}"].coverage is Coverage.OPTIONS
    assert (options.list_arguments() != ()) is is_covered
    if is_covered:
        (argument,) = options.list_arguments()
        assert argument.partition("=")[0] in parameter.opts


def change_entry(address: Address, **more: Any) -> PlanInputs:
    """Return the inputs with another state entry."""
    return replace(INPUTS, entries={**INPUTS.entries, address: replace(INPUTS.entries[address], **more)})


OTHER_INPUTS = {
    "desired: field": replace(INPUTS, desired={**INPUTS.desired, DB: replace(DESIRED, digest="other")}),
    "desired: no operation": replace(
        INPUTS, desired={**INPUTS.desired, IDLE: replace(IDLE_DESIRED, digest="other")}
    ),
    "desired: removed": replace(INPUTS, desired={DB: DESIRED}),
    "entries: id": replace(
        change_entry(DB, id="id9"), live={**INPUTS.live, "id9": replace(INPUTS.live["id1"], id="id9")}
    ),
    "entries: version": change_entry(DB, updated_at="2020-01-01T00:00:00Z"),
    "entries: protection": change_entry(DB, protect=True),
    "entries: missing": replace(INPUTS, entries={IDLE: IDLE_KNOWN}),
    "live: version": replace(
        INPUTS, live={**INPUTS.live, "id1": replace(INPUTS.live["id1"], updated_at="2031-01-01T00:00:00Z")}
    ),
    "live: missing": replace(INPUTS, live={"id2": INPUTS.live["id2"]}),
    "fingerprints": replace(INPUTS, fingerprints={DB: {("password",): "other"}}),
}


def test_the_compared_sides_are_covered():
    """The manifests, the state, the live objects and the secrets: each difference has its own digest."""
    digests = {name: compute_digest(inputs=inputs) for name, inputs in OTHER_INPUTS.items()}
    assert compute_digest() not in digests.values()
    assert len(set(digests.values())) == len(digests)


def test_open_intents_are_covered():
    """Another intent, and another object of one intent."""
    digests = {
        compute_digest(open_intents=each)
        for each in ((), (INTENT,), (replace(INTENT, id="i2"),), (replace(INTENT, object="id2"),))
    }
    assert len(digests) == 4


def test_a_manifest_that_the_state_has_is_not_listed():
    """A merge of an applied change elsewhere keeps the approval valid."""
    inputs = build_approval_inputs({}, (), INPUTS, compute_changes(INPUTS), ())
    assert inputs.manifests == {}
    edited = replace(INPUTS, desired={**INPUTS.desired, IDLE: replace(IDLE_DESIRED, digest="other")})
    assert build_approval_inputs({}, (), edited, compute_changes(edited), ()).manifests == {
        "credential/prod-idle": "other"
    }
