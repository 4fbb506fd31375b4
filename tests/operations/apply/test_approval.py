"""What a run may do under the approval of an interrupted run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keyturn.model.change import Action, Change, Exposure
from keyturn.model.plan import ApprovalInputs, Plan
from keyturn.operations.apply.approval import ApprovedRuns, find_run_approval, list_unapproved
from keyturn.operations.plan.plan import PlanOptions
from keyturn.state.events import Intent
from sample_resources import credential_address, make_desired, make_live_object, make_state_entry

NAMES = ("prod-a", "prod-b", "prod-c")
INPUTS = ApprovalInputs(settings={"put": "full"}, options=("--no-test",), manifests={"credential/idle": "m"})


def make_change(name, action=Action.UPDATE):
    """Return a change of an existing object."""
    desired = make_desired(credential_address(name), {"host": name})
    entry = make_state_entry(desired, f"id-{name}")
    return Change(
        action=action, address=desired.address, desired=desired, entry=entry, live=make_live_object(entry)
    )


def make_plan(*changes, inputs=INPUTS):
    """Return a plan."""
    return Plan(workspace="prod", organization="org", changes=changes, inputs=inputs)


APPROVED = make_plan(*map(make_change, NAMES))


def approve(run, *touched):
    """Return the runs of the approved plan, which wrote to some objects."""
    approval = find_run_approval(run.store, APPROVED, PlanOptions(), APPROVED.approval_digest())
    intents = tuple(
        Intent(id=f"i-{name}", operation="update", address=credential_address(name), action="update")
        for name in touched
    )
    return ApprovedRuns(approval, intents)


def written_by_us(name, **more):
    """Return the change of an object that this approval wrote, with another action and version."""
    change = replace(make_change(name), **more)
    entry, live = replace(change.entry, updated_at="t2"), replace(change.live, updated_at="t2")
    return replace(change, action=Action.ROTATE, entry=entry, live=live)


@given(rest=st.sets(st.sampled_from(NAMES)))
def test_each_rest_of_the_operations_is_approved(run_once, rest):
    """Any part of what was approved, and nothing at all."""
    assert list_unapproved(make_plan(*map(make_change, sorted(rest))), approve(run_once)) == ()


@pytest.fixture
def run_once(begin):
    """Return one run for all examples."""
    return begin()


def test_our_own_writes_move_the_version(run):
    """A version of our own write is accepted, also an unknown one; that of somebody else is not."""
    change = written_by_us("prod-a")
    assert list_unapproved(make_plan(change), approve(run, "prod-a")) == ()
    unknown = replace(change, entry=replace(change.entry, updated_at=""))
    assert list_unapproved(make_plan(unknown), approve(run, "prod-a")) == ()
    assert list_unapproved(make_plan(change), approve(run)) != ()
    edited = replace(change, live=replace(change.live, updated_at="t3"))
    assert list_unapproved(make_plan(edited), approve(run, "prod-a")) != ()


OTHER = {
    "another operation": make_plan(make_change("prod-d")),
    "another action": make_plan(replace(make_change("prod-b"), action=Action.ROTATE)),
    "a retirement": make_plan(replace(written_by_us("prod-a"), action=Action.RETIRE)),
    "another manifest": make_plan(
        written_by_us("prod-a", desired=replace(make_change("prod-a").desired, digest="other"))
    ),
    "an exposure": make_plan(
        written_by_us(
            "prod-a",
            exposures=(Exposure(credential_address("prod-a"), credential_address("prod-a"), ("x",), 1, 2),),
        )
    ),
    "a setting": make_plan(inputs=replace(INPUTS, settings={"put": "partial"})),
    "an option": make_plan(inputs=replace(INPUTS, options=())),
    "a manifest to record": make_plan(inputs=replace(INPUTS, manifests={"credential/idle": "n"})),
    "an open request": make_plan(inputs=replace(INPUTS, open_intents={"i-x": "update credential/x"})),
}


@pytest.mark.parametrize("what", OTHER)
def test_nothing_else_is_approved(run, what):
    """One line says what it is."""
    assert len(list_unapproved(OTHER[what], approve(run, "prod-a"))) == 1


def test_a_manifest_of_an_approved_operation_may_be_recorded(run):
    """After its operation, a manifest is only recorded."""
    digest = make_change("prod-a").desired.digest
    inputs = replace(INPUTS, manifests={"credential/prod-a": digest}, open_intents={"i-prod-b": "update"})
    assert list_unapproved(make_plan(inputs=inputs), approve(run, "prod-b")) == ()


def test_a_confirmed_plan_records_no_operations(run):
    """A person's yes is no approval that a pipeline could continue."""
    approval = find_run_approval(run.store, APPROVED, PlanOptions(tests=False), "")
    assert approval.digest == APPROVED.approval_digest()
    assert approval.consents == ("--no-test",)
    assert (approval.inputs, dict(approval.operations)) == ("", {})
