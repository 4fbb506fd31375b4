"""A hand-over that is stopped after the connections were pointed to the successor."""

import pytest

from faults.campaign import smooth
from faults.scenes import REPLACED, Scene, connection, credential
from keyturn.planning.inputs import Approvals

pytestmark = pytest.mark.faults


def test_the_next_run_takes_the_connections_along(rig):
    """It puts back what it takes for an edit, and then hands over again: all is done, and really is."""
    stage = rig.stage_of(REPLACED)
    puts = [n for n, each in enumerate(smooth(rig, REPLACED).requests, 1) if each["method"] == "PUT"]
    rig.begin(stage, {"kind": "status_before", "status": 403, "at": puts[1]})
    first = rig.apply(stage.after, REPLACED.consents)
    rig.service.set_faults([])
    rig.hour.pass_by(60.0)
    second = rig.apply(stage.after, REPLACED.consents)
    rows = rig.service.deployment.store.list_records()
    (new,) = [each.id for each in rows if each.is_active and each.name == "c-replace"]
    (link,) = [each for each in rows if each.name == "n-replace"]
    assert "failed" in {each.outcome_status.value for each in first.report.outcomes}
    assert {each.outcome_status.value for each in second.report.outcomes} == {"done"}
    assert link.credential_id == new


def test_who_leaves_is_not_taken_along(rig):
    """One connection goes to another credential, one goes for good; neither is pointed to the successor."""
    how = {"strategy": "replace", "grace": "7d"}

    def before(repo, secrets):
        credential(repo, "c-turns", secrets("turns old"), rotation=how)
        credential(repo, "c-zero", secrets("zero"))
        connection(repo, "n-leaves", "c-turns")
        connection(repo, "n-goes", "c-turns")

    def after(repo, secrets):
        credential(repo, "c-turns", secrets("turns new"), rotation=how)
        credential(repo, "c-zero", secrets("zero"), config={"username": "another"})
        connection(repo, "n-leaves", "c-zero")
        repo.remove("n-goes")

    scene = Scene(name="leaving", before=before, after=after, consents=Approvals(retire=1))
    rig.begin(rig.stage_of(scene))
    act = rig.apply(rig.stage_of(scene).after, scene.consents)
    assert {str(each.address): each.outcome_status.value for each in act.report.outcomes} == {
        "credential/c-turns": "done",
        "credential/c-zero": "done",
        "connection/n-leaves": "done",
        "connection/n-goes": "done",
    }


def test_a_connection_is_put_back_before_its_credential_turns_under_another_name(rig):
    """Somebody pointed it elsewhere; git renames the credential and turns its secret in the same commit."""

    def before(repo, secrets):
        credential(repo, "c-old", secrets("old"))
        connection(repo, "n-strays", "c-old")

    def after(repo, secrets):
        repo.remove("c-old")
        credential(repo, "c-new", secrets("new"), moved_from="c-old")
        connection(repo, "n-strays", "c-new")

    def stray(service):
        service.edit_in_ui("connections", "n-strays", config={"host": "elsewhere.example.com"})

    scene = Scene(name="straying", before=before, meanwhile=stray, after=after)
    rig.begin(rig.stage_of(scene))
    act = rig.apply(rig.stage_of(scene).after, scene.consents)
    assert act.error is None
    assert {each.outcome_status.value for each in act.report.outcomes} == {"done"}
