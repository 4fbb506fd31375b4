"""The main job from end to end: what git says becomes what the service holds, and then nothing is left."""

import pytest

from keyturn.catalog import load_catalog


def applied(office, *more):
    """Apply, and check that nothing is left to do afterwards."""
    done = office.repo.inside("apply", "--auto-approve", *more)
    assert done.code == 0, done.stderr
    left = office.repo.inside("plan", "--detailed-exitcode")
    assert left.code == 0, left.stdout
    assert "No changes." in left.stdout
    return done


def live(office, collection="credentials"):
    """Return the active objects of a collection by name."""
    return {
        each["name"]: each
        for each in office.service.read_state()[collection]
        if each.get("status") != "deleted"
    }


def test_a_repository_becomes_a_workspace_and_then_nothing_is_left(office, canary):
    """Create, read again: no changes."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.repo.inside("plan", "--detailed-exitcode").code == 2
    applied(office)
    assert set(live(office)) == {"prod-db"}
    assert live(office, "connections")["prod-pg"]["credentialId"] == live(office)["prod-db"]["id"]


def test_a_plan_without_changes_needs_no_decryption_key(office, canary):
    """Only what changed is opened."""
    office.repo.credential("prod-db", {"password": canary()})
    applied(office)
    environment = office.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"]
    assert office.repo.inside("plan", "--detailed-exitcode", env=environment).code == 0


def test_a_rotation_reaches_the_service(office, canary):
    """The new secret is the one that is stored; the id stays."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    applied(office)
    before, held = live(office)["prod-db"]["id"], office.service.list_held_secrets("salt")
    office.repo.credential("prod-db", {"password": canary()})
    assert "1 to rotate" in office.repo.inside("plan").stdout
    applied(office)
    assert live(office)["prod-db"]["id"] == before
    assert office.service.list_held_secrets("salt") != held
    assert len(live(office)) == 1


def test_a_refused_password_touches_nothing_that_runs(office, canary):
    """The probe is tested first; the target says no; the live object is not written."""
    good = canary()
    office.service.set_targets(
        [{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": good}}]
    )
    office.repo.credential("prod-db", {"password": good})
    office.repo.connection("prod-pg", "prod-db")
    applied(office)
    before = live(office)
    office.repo.credential("prod-db", {"password": canary()})
    done = office.repo.inside("apply", "--auto-approve")
    assert done.code == 1
    assert "nothing in use was changed" in " ".join(done.stdout.split())
    assert live(office) == before


def test_drift_is_shown_as_three_values_and_put_back(office, canary):
    """Somebody edits in the UI: applied, live and wanted are all in the plan."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    applied(office)
    office.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    shown = office.repo.inside("plan", "--detailed-exitcode")
    assert shown.code == 2
    assert "we applied app, live is scratch, git wants app" in shown.stdout
    applied(office)
    assert live(office, "connections")["prod-pg"]["config"]["database"] == "app"


def test_a_rename_keeps_the_id(office, canary):
    """moved_from is an update, not a destroy and a create."""
    secret = canary()
    office.repo.credential("prod-db", {"password": secret})
    applied(office)
    before = live(office)["prod-db"]["id"]
    office.repo.remove("prod-db")
    office.repo.credential("prod-main", {"password": secret}, moved_from="prod-db")
    assert "1 to rename" in office.repo.inside("plan").stdout
    applied(office)
    assert live(office)["prod-main"]["id"] == before
    assert "prod-db" not in live(office)


def test_a_manifest_that_goes_retires_and_one_that_returns_restores(office, canary):
    """The soft delete is undone by the manifest: the same object is back."""
    secret = canary()
    office.repo.credential("prod-db", {"password": secret})
    office.repo.credential("prod-other", {"password": canary()})
    applied(office)
    before = live(office)["prod-db"]["id"]
    office.repo.remove("prod-db")
    applied(office)
    assert "prod-db" not in live(office)
    office.repo.credential("prod-db", {"password": secret})
    assert "1 to restore" in office.repo.inside("plan").stdout
    applied(office)
    assert live(office)["prod-db"]["id"] == before


def test_another_type_replaces_and_repoints(office, canary):
    """The type cannot change in place: a new object takes the name, its user the new id, the old one goes."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    applied(office)
    before = live(office)["prod-db"]["id"]
    role = {"role_arn": "arn:aws:iam::123456789012:role/reader", "region": "eu-central-1"}
    office.repo.credential("prod-db", {}, role, type="aws")
    done = office.repo.inside("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    assert live(office)["prod-db"]["id"] != before
    assert live(office, "connections")["prod-pg"]["credentialId"] == live(office)["prod-db"]["id"]
    assert len(live(office)) == 1
    assert office.repo.inside("plan", "--detailed-exitcode").code == 0


def test_a_credential_that_somebody_uses_is_not_retired(office, canary):
    """A connection made in the UI would break: refused, and it is named."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential("prod-other", {"password": canary()})
    applied(office)
    identity = live(office)["prod-db"]["id"]
    office.service.seed_objects(
        connections=[
            {
                "name": "made-in-ui",
                "type": "postgres",
                "credentialId": identity,
                "config": {"host": "h", "port": 1, "database": "d"},
            }
        ]
    )
    office.repo.remove("prod-db")
    done = office.repo.inside("apply", "--auto-approve")
    assert done.code == 5
    assert "made-in-ui" in done.stderr
    assert "prod-db" in live(office)


def test_a_retired_connection_that_people_brought_back_is_theirs(office, canary):
    """It uses the credential again, so that is refused to go; where only a list still shows it, it goes."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential("prod-other", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    applied(office)
    office.repo.remove("prod-pg")
    applied(office)
    office.repo.remove("prod-db")
    office.service.perform_ui_action("restore", collection="connections", name="prod-pg")
    done = office.repo.inside("apply", "--auto-approve")
    assert (done.code, "KT458" in done.stderr, "prod-pg" in done.stderr) == (5, True, True)
    office.service.set_clock(advance=120)
    office.service.perform_ui_action("trash", collection="connections", name="prod-pg")
    office.service.change_settings(list_lag_seconds=60.0)
    done = office.repo.inside("plan")
    assert (done.code, "1 to retire" in done.stdout) == (0, True), done.stdout + done.stderr
    applied(office)
    assert "prod-db" not in live(office)


PLACE = {"host": "db.example.com", "port": 5432, "database": "app", "sslMode": "require"}


def test_an_apply_that_failed_half_way_is_simply_run_again(office, canary):
    """The plan that wrote the secret showed where it goes: no consent is asked for on the second run."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db", PLACE)
    office.service.add_fault("status_before", method="POST", path="/api/connections", times=0, status=422)
    assert office.repo.inside("apply", "--auto-approve", "--no-test").code == 3
    assert sorted(live(office)) == ["prod-db"]
    office.service.set_faults([])
    office.repo.connection("prod-pg", "prod-db", PLACE | {"host": "evil.example.net"})
    done = office.repo.inside("apply", "--auto-approve", "--no-test")
    assert (done.code, "KT451" in done.stderr) == (5, True)
    office.repo.connection("prod-pg", "prod-db", PLACE)
    done = office.repo.inside("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    assert sorted(live(office, "connections")) == ["prod-pg"]


def test_a_secret_that_is_written_again_may_not_go_elsewhere(office, canary):
    """`--reassert` says that the secret is the one in git, and nothing of where it may go."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db", PLACE)
    done = office.repo.inside("apply", "--auto-approve", "--no-test")
    assert done.code == 0, done.stdout + done.stderr
    office.repo.connection("prod-pg", "prod-db", PLACE | {"host": "evil.example.net"})
    for more in ((), ("--reassert", "prod-db")):
        done = office.repo.inside("apply", "--auto-approve", "--no-test", *more)
        assert (done.code, "KT451" in done.stderr) == (5, True)
    office.repo.connection("prod-pg", "prod-db", PLACE)
    done = office.repo.inside("apply", "--auto-approve", "--no-test", "--reassert", "prod-db")
    assert done.code == 0, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["json", "markdown", "html", "summary", "gitlab"])
def test_every_form_of_a_plan_is_drawn(office, canary, form):
    """No form fails, and each ends in exit 0."""
    office.repo.credential("prod-db", {"password": canary()})
    shown = office.repo.inside("plan", "--format", form)
    assert shown.code == 0, shown.stderr
    assert shown.stdout.strip()


def test_a_saved_plan_is_applied_as_it_was_reviewed(office, canary):
    """Saved, shown, applied."""
    office.repo.credential("prod-db", {"password": canary()})
    assert office.repo.inside("plan", "--out", "plan.kt").code == 0
    assert "1 to create" in office.repo.inside("show", "plan.kt").stdout
    assert office.repo.inside("apply", "plan.kt").code == 0
    assert set(live(office)) == {"prod-db"}


def test_a_stale_saved_plan_is_refused_and_nothing_is_written(office, canary):
    """The manifest changed after the plan was saved."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.inside("plan", "--out", "plan.kt")
    office.repo.credential("prod-db", {"password": canary()}, labels={"owner": "other"})
    done = office.repo.inside("apply", "plan.kt")
    assert done.code == 4
    assert "KT652" in done.stderr
    assert "manifest" in done.stderr
    assert live(office) == {}


def test_approval_by_digest_binds_what_was_reviewed(office, canary):
    """The digest of the plan is enough; another one is refused."""
    office.repo.credential("prod-db", {"password": canary()})
    digest = next(word for word in office.repo.inside("plan").stdout.split() if word.startswith("kt1-"))
    office.repo.credential("prod-two", {"password": canary()})
    assert office.repo.inside("apply", "--approve", digest).code == 4
    assert live(office) == {}
    office.repo.remove("prod-two")
    assert office.repo.inside("apply", "--approve", digest).code == 0
    assert set(live(office)) == {"prod-db"}


def test_every_code_that_is_printed_can_be_explained(office):
    """Keyturn explain knows them all."""
    told = office.repo.inside("explain").stdout
    assert all(code in told for code in load_catalog())
    assert office.repo.inside("explain", "KT451").code == 0
    assert office.repo.keyturn("explain", "KT000").code == 64
