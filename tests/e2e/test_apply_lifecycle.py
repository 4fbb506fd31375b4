"""Plan and apply from end to end: create, change, rotate, rename, retire, restore and saved plans."""

import pytest

from keyturn.catalog import load_catalog


def applied(setup, *more):
    """Apply, and check that nothing is left to do afterwards."""
    done = setup.repo.run_in_process("apply", "--auto-approve", *more)
    assert done.code == 0, done.stderr
    left = setup.repo.run_in_process("plan", "--detailed-exitcode")
    assert left.code == 0, left.stdout
    assert "No changes." in left.stdout
    return done


def live(setup, collection="credentials"):
    """Return the active objects of a collection by name."""
    return {
        each["name"]: each
        for each in setup.service.read_state()[collection]
        if each.get("status") != "deleted"
    }


def test_apply_creates_all_resources_and_leaves_no_changes(setup, canary):
    """The plan after an apply is empty."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 2
    applied(setup)
    assert set(live(setup)) == {"prod-db"}
    assert live(setup, "connections")["prod-pg"]["credentialId"] == live(setup)["prod-db"]["id"]


def test_a_plan_without_changes_needs_no_decryption_key(setup, canary):
    """Only what changed is opened."""
    setup.repo.credential("prod-db", {"password": canary()})
    applied(setup)
    environment = setup.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"]
    assert setup.repo.run_in_process("plan", "--detailed-exitcode", env=environment).code == 0


def test_a_rotation_reaches_the_service(setup, canary):
    """The new secret is the one that is stored; the id stays."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    applied(setup)
    before, held = live(setup)["prod-db"]["id"], setup.service.list_held_secrets("salt")
    setup.repo.credential("prod-db", {"password": canary()})
    assert "1 to rotate" in setup.repo.run_in_process("plan").stdout
    applied(setup)
    assert live(setup)["prod-db"]["id"] == before
    assert setup.service.list_held_secrets("salt") != held
    assert len(live(setup)) == 1


def test_a_rejected_password_does_not_change_the_live_object(setup, canary):
    """The probe is tested first; the target rejects it; the live object is not written."""
    good = canary()
    setup.service.set_targets(
        [{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": good}}]
    )
    setup.repo.credential("prod-db", {"password": good})
    setup.repo.connection("prod-pg", "prod-db")
    applied(setup)
    before = live(setup)
    setup.repo.credential("prod-db", {"password": canary()})
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert done.code == 1
    assert "nothing in use was changed" in " ".join(done.stdout.split())
    assert live(setup) == before


def test_drift_shows_three_values_and_is_reverted(setup, canary):
    """After an edit in the UI, the plan shows the last applied, the live and the desired value."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    applied(setup)
    setup.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    shown = setup.repo.run_in_process("plan", "--detailed-exitcode")
    assert shown.code == 2
    assert "drift: last applied app, live scratch, desired app" in shown.stdout
    applied(setup)
    assert live(setup, "connections")["prod-pg"]["config"]["database"] == "app"


def test_a_rename_keeps_the_id(setup, canary):
    """moved_from is an update, not a destroy and a create."""
    secret = canary()
    setup.repo.credential("prod-db", {"password": secret})
    applied(setup)
    before = live(setup)["prod-db"]["id"]
    setup.repo.remove("prod-db")
    setup.repo.credential("prod-main", {"password": secret}, moved_from="prod-db")
    assert "1 to rename" in setup.repo.run_in_process("plan").stdout
    applied(setup)
    assert live(setup)["prod-main"]["id"] == before
    assert "prod-db" not in live(setup)


def test_a_deleted_manifest_retires_and_a_restored_manifest_restores(setup, canary):
    """The restored manifest restores the same object."""
    secret = canary()
    setup.repo.credential("prod-db", {"password": secret})
    setup.repo.credential("prod-other", {"password": canary()})
    applied(setup)
    before = live(setup)["prod-db"]["id"]
    setup.repo.remove("prod-db")
    applied(setup)
    assert "prod-db" not in live(setup)
    setup.repo.credential("prod-db", {"password": secret})
    assert "1 to restore" in setup.repo.run_in_process("plan").stdout
    applied(setup)
    assert live(setup)["prod-db"]["id"] == before


def test_a_new_type_replaces_the_object_and_repoints_its_users(setup, canary):
    """A new object gets the name, its connection gets the new id, and the old object is deleted."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    applied(setup)
    before = live(setup)["prod-db"]["id"]
    role = {"role_arn": "arn:aws:iam::123456789012:role/reader", "region": "eu-central-1"}
    setup.repo.credential("prod-db", {}, role, type="aws")
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    assert live(setup)["prod-db"]["id"] != before
    assert live(setup, "connections")["prod-pg"]["credentialId"] == live(setup)["prod-db"]["id"]
    assert len(live(setup)) == 1
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0


def test_a_credential_in_use_is_not_retired(setup, canary):
    """The error names the connection that was made in the UI."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-other", {"password": canary()})
    applied(setup)
    identity = live(setup)["prod-db"]["id"]
    setup.service.seed_objects(
        connections=[
            {
                "name": "made-in-ui",
                "type": "postgres",
                "credentialId": identity,
                "config": {"host": "h", "port": 1, "database": "d"},
            }
        ]
    )
    setup.repo.remove("prod-db")
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert done.code == 5
    assert "made-in-ui" in done.stderr
    assert "prod-db" in live(setup)


def test_a_retired_connection_restored_in_the_ui_blocks_a_retirement(setup, canary):
    """The restored connection uses the credential; one that only a stale list shows does not block."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential("prod-other", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    applied(setup)
    setup.repo.remove("prod-pg")
    applied(setup)
    setup.repo.remove("prod-db")
    setup.service.perform_ui_action("restore", collection="connections", name="prod-pg")
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert (done.code, "KT458" in done.stderr, "prod-pg" in done.stderr) == (5, True, True)
    setup.service.set_clock(advance=120)
    setup.service.perform_ui_action("trash", collection="connections", name="prod-pg")
    setup.service.change_settings(list_lag_seconds=60.0)
    done = setup.repo.run_in_process("plan")
    assert (done.code, "1 to retire" in done.stdout) == (0, True), done.stdout + done.stderr
    applied(setup)
    assert "prod-db" not in live(setup)


PLACE = {"host": "db.example.com", "port": 5432, "database": "app", "sslMode": "require"}


def test_a_failed_apply_can_be_run_again(setup, canary):
    """The first plan showed the destination of the secret, so the second run needs no consent."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db", PLACE)
    setup.service.add_fault("status_before", method="POST", path="/api/connections", times=0, status=422)
    assert setup.repo.run_in_process("apply", "--auto-approve", "--no-test").code == 3
    assert sorted(live(setup)) == ["prod-db"]
    setup.service.set_faults([])
    setup.repo.connection("prod-pg", "prod-db", PLACE | {"host": "evil.example.net"})
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    assert (done.code, "KT451" in done.stderr) == (5, True)
    setup.repo.connection("prod-pg", "prod-db", PLACE)
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    assert sorted(live(setup, "connections")) == ["prod-pg"]


def test_reassert_does_not_allow_a_new_destination(setup, canary):
    """`--reassert` confirms the secret in git, but no destination."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db", PLACE)
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    setup.repo.connection("prod-pg", "prod-db", PLACE | {"host": "evil.example.net"})
    for more in ((), ("--reassert", "prod-db")):
        done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test", *more)
        assert (done.code, "KT451" in done.stderr) == (5, True)
    setup.repo.connection("prod-pg", "prod-db", PLACE)
    done = setup.repo.run_in_process("apply", "--auto-approve", "--no-test", "--reassert", "prod-db")
    assert done.code == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["json", "markdown", "html", "summary", "gitlab"])
def test_plan_renders_every_format(setup, canary, form):
    """Every format exits 0."""
    setup.repo.credential("prod-db", {"password": canary()})
    shown = setup.repo.run_in_process("plan", "--format", form)
    assert shown.code == 0, shown.stderr
    assert shown.stdout.strip()


def test_a_saved_plan_is_applied(setup, canary):
    """Saved, shown, applied."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.repo.run_in_process("plan", "--out", "plan.kt").code == 0
    assert "1 to create" in setup.repo.run_in_process("show", "plan.kt").stdout
    assert setup.repo.run_in_process("apply", "plan.kt").code == 0
    assert set(live(setup)) == {"prod-db"}


def test_a_stale_saved_plan_is_rejected_without_writes(setup, canary):
    """The manifest changed after the plan was saved."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.run_in_process("plan", "--out", "plan.kt")
    setup.repo.credential("prod-db", {"password": canary()}, labels={"owner": "other"})
    done = setup.repo.run_in_process("apply", "plan.kt")
    assert done.code == 4
    assert "KT652" in done.stderr
    assert "manifest" in done.stderr
    assert live(setup) == {}


def test_approval_by_digest(setup, canary):
    """The digest of the plan approves it; a different digest is rejected."""
    setup.repo.credential("prod-db", {"password": canary()})
    digest = next(
        word for word in setup.repo.run_in_process("plan").stdout.split() if word.startswith("kt2-")
    )
    setup.repo.credential("prod-two", {"password": canary()})
    assert setup.repo.run_in_process("apply", "--approve", digest).code == 4
    assert live(setup) == {}
    setup.repo.remove("prod-two")
    assert setup.repo.run_in_process("apply", "--approve", digest).code == 0
    assert set(live(setup)) == {"prod-db"}


def test_every_code_can_be_explained(setup):
    """``keyturn explain`` describes every code of the catalog."""
    told = setup.repo.run_in_process("explain").stdout
    assert all(code in told for code in load_catalog())
    assert setup.repo.run_in_process("explain", "KT451").code == 0
    assert setup.repo.keyturn("explain", "KT000").code == 64
