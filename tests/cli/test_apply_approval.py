"""The comparison of an approval with the settings and the plan of a run."""

import pytest
from msgspec.structs import replace

from git_history import commit_all
from keyturn.cli.apply_approval import GivenApproval
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.operations.run_context import open_run_context
from workspace_setup import setup

__all__ = ["setup"]


@pytest.fixture
def run(setup, canary):
    """Return a run with one credential to create."""
    setup.repo.credential("prod-db", {"password": canary()})
    commit_all(setup)
    with open_run_context(setup.repo.root, "", setup.repo.environment()) as opened:
        yield opened


def reject(call, *arguments):
    """Return the message of the refusal."""
    with pytest.raises(DiagnosticError) as caught:
        call(*arguments)
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT652"
    return finding.message


def test_without_an_approval_nothing_is_compared(run):
    """A person is asked instead."""
    approval = GivenApproval(run, "", None, color=False)
    approval.require_same_settings()
    approval.require_same_plan(plan_workspace(run, PlanOptions()).plan)


def test_the_message_names_the_one_difference(run, capsys):
    """An option, a manifest, an operation: the digest of the plan without it is the approved one."""
    plan = plan_workspace(run, PlanOptions()).plan
    approval = GivenApproval(run, plan.approval_digest(), None, color=False)
    approval.require_same_plan(plan)
    inputs = plan.inputs
    others = {
        "options: was not given, is --allow-empty": replace(inputs, options=("--allow-empty",)),
        "credential/x: the content of its manifest": replace(inputs, manifests={"credential/x": "d"}),
        "a request was left open: update y": replace(inputs, open_intents={"i": "update y"}),
        "several operations": replace(inputs, options=("--no-test",), open_intents={"i": "z"}),
    }
    for text, other in others.items():
        assert text in reject(approval.require_same_plan, replace(plan, inputs=other))
    empty = GivenApproval(run, replace(plan, changes=()).approval_digest(), None, color=False)
    assert "credential/prod-db: create is new in the plan" in reject(empty.require_same_plan, plan)
    assert "1 to create" in capsys.readouterr().err


def test_a_setting_that_moved_is_found_in_git(run):
    """The committed version with the approved settings is compared."""
    digest = plan_workspace(run, PlanOptions()).plan.approval_digest()
    moved = replace(run, workspace=replace(run.workspace, put="partial", state_url="s3://bucket/x"))
    message = reject(GivenApproval(moved, digest, None, color=False).require_same_settings)
    assert "put: was full, is partial; state: was file:.keyturn/prod, is s3://bucket/x" in message
