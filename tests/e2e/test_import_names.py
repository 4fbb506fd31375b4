"""Import of objects with the names that people give them, and of values that YAML cannot hold."""

import pytest

CONFIG = {"engine": "postgresql", "host": "h.example.com", "username": "svc"}


@pytest.fixture
def named(setup):
    """Return a setup with objects whose names are no manifest names."""
    names = ("Prod Snowflake (reader)", "PROD-db", "prod-db", "Prod Größe")
    made = [{"name": name, "type": "database", "config": CONFIG} for name in names]
    ids = setup.service.seed_objects(credentials=made)["credentials"]
    connection = {
        "name": "Prod PG",
        "type": "postgres",
        "credentialId": ids[1],
        "config": {"host": "h.example.com"},
    }
    setup.service.seed_objects(connections=[connection, {**connection, "name": "prod-user"}])
    (setup.repo.root / "manifests/prod").mkdir(parents=True)
    return setup


def test_other_names_are_skipped_with_the_name_they_could_have(named):
    """Nothing is renamed unasked, and the plan stays empty."""
    done = named.run("import", "--all")
    text = " ".join(done.stdout.split())
    assert done.code == 3
    assert "credential/PROD-db: skipped: a manifest name has lower-case letters" in text
    assert "pass --rename to import it as prod-db-2" in text
    assert "connection/prod-user: skipped: it uses credential/PROD-db" in text
    assert text.endswith("Imported 1 of 6.")
    assert named.run("plan", "--detailed-exitcode").code == 0


def test_names_are_converted_and_said(named):
    """References have the new names, and the next apply renames the objects."""
    named.repo.project(put="partial")
    done = named.run("import", "--all", "--rename")
    assert done.code == 0, done.stdout
    assert "import credential/prod-db-2: manifests/prod/credentials/prod-db-2.yaml" in done.stdout
    assert "its name in Planasonix is PROD-db" in done.stdout
    assert "the rename needs the secret in the manifest" in done.stdout
    assert done.stdout.endswith("Imported 6 of 6.\n")
    for name in ("prod-pg", "prod-user"):
        text = (named.repo.root / f"manifests/prod/connections/{name}.yaml").read_text()
        assert "credential: prod-db-2" in text
    assert named.run("validate").code == 0
    plan = named.run("plan", "--detailed-exitcode")
    assert plan.code == 2
    assert "Plan: 4 to rename." in plan.stdout
    applied = named.run("apply", "--yes", "--no-test")
    assert applied.code == 0, applied.stdout + applied.stderr
    assert set(named.live()) == {"prod-snowflake-reader", "prod-db-2", "prod-db", "prod-grosse"}
    assert named.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("name", ["PROD-db", "prod-db-2", "credential/PROD-*"])
def test_an_object_is_selected_by_either_name(named, name):
    """By its name in Planasonix or by that of its manifest."""
    done = named.run("import", name, "--rename")
    assert (done.code, "Imported 1 of 1." in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("setup", [{"accept_unknown_type": True}], indirect=True)
def test_a_number_without_yaml_form_skips_one_object(setup):
    """A small one has a form; one beyond 64 bits has none. The others are imported."""
    made = [
        {"name": f"prod-{number}", "type": "vendor-x", "config": {"limit": value}}
        for number, value in enumerate((0.00005, 1.5e-17, 2**70, 1e300, 7))
    ]
    setup.service.seed_objects(connections=made)
    (setup.repo.root / "manifests/prod").mkdir(parents=True)
    done = setup.run("import", "--all")
    assert done.code == 3, done.stdout + done.stderr
    assert "connection/prod-2: skipped: config.limit cannot be written in YAML" in done.stdout
    assert "connection/prod-3: skipped: config.limit cannot be written in YAML" in done.stdout
    assert "limit: 0.00005" in (setup.repo.root / "manifests/prod/connections/prod-0.yaml").read_text()
    assert setup.run("validate").code == 0
    assert setup.run("plan", "--detailed-exitcode").code == 0
