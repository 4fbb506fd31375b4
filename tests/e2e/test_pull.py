"""The command ``keyturn pull``: drift is written to the manifests."""

import pytest

from published_schemas import parse_valid

CONNECTION = """\
# The warehouse that everybody reads from.
kind: connection
name: prod-pg
type: postgres
labels: {environment: prod}   # one line
credential: prod-db

config:
  host: db.example.com
  port:   5432      # the usual one
  database: app     # renamed every year
"""


@pytest.fixture
def drifted(setup, canary):
    """Apply a connection with comments and its credential, then have somebody edit both in the UI."""
    setup.repo.credential(
        "prod-db",
        {"password": canary()},
        {
            "engine": "postgresql",
            "host": "db.example.com",
            "port": 5432,
            "username": "svc",
            "database": "app",
        },
    )
    path = setup.repo.root / "manifests/prod/connections/prod-pg.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(CONNECTION)
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    setup.service.set_clock(advance=60)
    setup.service.edit_in_ui("connections", "prod-pg", config={"database": "app2"})
    return setup


def manifest(setup, kind="connection", name="prod-pg"):
    """Return a manifest's text."""
    return (setup.repo.root / f"manifests/prod/{kind}s/{name}.yaml").read_text()


def test_a_plain_field_is_written_and_nothing_else_changes(drifted):
    """Comments, blanks and order stay, and the plan has nothing to say any more."""
    assert drifted.repo.run_in_process("plan", "--detailed-exitcode").code == 2
    done = drifted.repo.run_in_process("pull")
    assert done.code == 0, done.stdout + done.stderr
    assert "config.database  app → app2" in done.stdout
    assert manifest(drifted) == CONNECTION.replace("database: app ", "database: app2 ")
    after = drifted.repo.run_in_process("plan", "--detailed-exitcode")
    assert after.code == 0, after.stdout


def test_a_dry_run_writes_nothing(drifted):
    """It says what it would do."""
    done = drifted.repo.run_in_process("pull", "--dry-run")
    assert "app → app2" in done.stdout
    assert "Nothing was written" in done.stderr
    assert manifest(drifted) == CONNECTION


def test_a_destination_is_written_only_with_consent(drifted):
    """The host of a connection says where the secret of its credential goes."""
    drifted.service.edit_in_ui("connections", "prod-pg", config={"host": "new.example.com"})
    refused = drifted.repo.run_in_process("pull")
    assert refused.code == 5
    assert "--allow-destination-change prod-db" in refused.stdout
    assert "host: db.example.com" in manifest(drifted)
    done = drifted.repo.run_in_process("pull", "--allow-destination-change", "prod-db")
    assert done.code == 0, done.stdout
    assert "host: new.example.com" in manifest(drifted)
    assert drifted.repo.run_in_process("plan", "--detailed-exitcode").code == 0


def test_an_encrypted_file_keeps_its_ciphertext(drifted):
    """A plain field of it is written through sops: the MAC holds, and the password is as it was."""
    before = manifest(drifted, "credential", "prod-db")
    drifted.service.edit_in_ui("credentials", "prod-db", config={"port": 5433})
    assert drifted.repo.run_in_process("pull", "prod-db").code == 5
    done = drifted.repo.run_in_process("pull", "prod-db", "--allow-destination-change", "prod-db")
    assert done.code == 0, done.stdout
    assert "~ seal: the secrets are bound to the new destination" in done.stdout
    after = manifest(drifted, "credential", "prod-db")
    password = [line for line in before.splitlines() if "password" in line]
    assert password == [line for line in after.splitlines() if "password" in line]
    assert "port: 5433" in after
    assert drifted.repo.run_in_process("validate").code == 0
    rest = drifted.repo.run_in_process("plan", "--target", "credential/prod-db", "--detailed-exitcode")
    assert rest.code == 0, rest.stdout


@pytest.mark.usefixtures("drifted")
def test_an_unknown_name_is_an_error(setup):
    """A typing mistake does not read as "no drift"."""
    done = setup.repo.run_in_process("pull", "prod-pgg")
    assert done.code == 1
    assert "KT071" in done.stderr


def test_nothing_to_pull(drifted):
    """Asked twice, the second time there is no drift."""
    drifted.repo.run_in_process("pull")
    again = drifted.repo.keyturn("pull")
    assert (again.code, again.stdout) == (0, "Pull: no drift.\n")


def test_a_removed_live_field_is_removed_from_the_manifest(drifted):
    """Only the line is removed; its comment and every other character stay."""
    drifted.service.edit_in_ui("connections", "prod-pg", config={"database": None})
    done = drifted.repo.run_in_process("pull")
    assert done.code == 0, done.stdout + done.stderr
    assert "- config.database  app → (removed)" in done.stdout
    line = "  database: app     # renamed every year\n"
    assert manifest(drifted) == CONNECTION.replace(line, "  # renamed every year\n")
    after = drifted.repo.run_in_process("plan", "--detailed-exitcode")
    assert after.code == 0, after.stdout


def test_a_removed_live_field_is_removed_from_an_encrypted_file(drifted):
    """Through sops: the MAC covers what is left, the ciphertext of the password stays as it was."""
    before = manifest(drifted, "credential", "prod-db")
    drifted.service.edit_in_ui("credentials", "prod-db", config={"database": None})
    done = drifted.repo.run_in_process("pull", "prod-db", "--allow-destination-change", "prod-db")
    assert done.code == 0, done.stdout + done.stderr
    after = manifest(drifted, "credential", "prod-db")
    gone = [line for line in before.splitlines() if line not in after.splitlines()]
    assert "database: app" in [line.strip() for line in gone]
    kept = ("database:", "seal:", "lastmodified:", "mac:")
    assert all(line.strip().startswith(kept) for line in gone), gone
    assert drifted.repo.run_in_process("validate").code == 0
    rest = drifted.repo.run_in_process("plan", "--target", "credential/prod-db", "--detailed-exitcode")
    assert rest.code == 0, rest.stdout


def test_a_field_that_cannot_be_removed_names_its_line(drifted):
    """A field among others on one line is named with its line; nothing is written."""
    path = drifted.repo.root / "manifests/prod/connections/prod-pg.yaml"
    flow = CONNECTION.partition("config:")[0] + "config: {host: db.example.com, port: 5432, database: app}\n"
    path.write_text(flow)
    drifted.service.edit_in_ui("connections", "prod-pg", config={"database": None})
    done = drifted.repo.run_in_process("pull")
    assert done.code == 3
    assert "remove it in line 8 of the manifest, or apply to restore it" in done.stdout
    assert manifest(drifted) == flow


def test_a_pull_as_json(drifted):
    """The JSON lists written, removed and skipped fields, as its schema says."""
    drifted.service.edit_in_ui("connections", "prod-pg", config={"database": None, "host": "new.example.com"})
    done = drifted.repo.keyturn("pull", "--format", "json", "--dry-run")
    assert done.code == 5
    tree = parse_valid("pull", done.stdout)
    (one,) = tree["manifests"]
    assert one["written"] == [{"path": "config.database", "action": "remove", "before": "app", "after": None}]
    assert [(each["path"], each["consent"]) for each in one["left"]] == [("config.host", "prod-db")]
    assert tree["summary"] == {
        "written": 1,
        "files": 1,
        "left": 1,
        "line": "Pull: 1 field of 1 file written, 1 skipped.",
    }
    assert manifest(drifted) == CONNECTION
