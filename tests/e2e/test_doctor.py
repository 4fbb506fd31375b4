"""The command ``keyturn doctor``."""

import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from keyturn.operations.doctor.local_checks import IGNORED_VARIABLES
from published_schemas import parse_valid
from workspace import SOPS


def examined(setup, *more, apart=False, **environment):
    """Return the exit code and the checks that are not in order, by code; ``apart`` in a process."""
    surroundings = {**dict.fromkeys(IGNORED_VARIABLES, ""), **setup.repo.environment(), **environment}
    for name in [name for name, value in surroundings.items() if value is None]:
        del surroundings[name]
    run = setup.repo.keyturn if apart else setup.repo.run_in_process
    done = run("doctor", "--json", *more, env=surroundings)
    checks = parse_valid("doctor", done.stdout)["checks"]
    return done.code, {each["code"]: each for each in checks if each["code"]}, checks


@pytest.fixture
def healthy(setup, canary, tmp_path):
    """Return a setup without any problem."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.repo.run_in_process("apply", "--auto-approve").code == 0
    setup.repo.age.file.chmod(0o600)
    (setup.repo.root / ".pre-commit-config.yaml").write_text("keyturn validate\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sops").symlink_to(SOPS)
    setup.bin = tmp_path / "bin"
    return setup


@pytest.fixture
def setup(setup):
    """Return a setup whose attributes a test may replace."""

    class Pinned:
        repo, service, bin = setup.repo, setup.service, Path()

    return Pinned()


def alone(setup):
    """Return a PATH with one sops on it."""
    return {"PATH": f"{setup.bin}{os.pathsep}/usr/bin:/bin"}


def test_everything_in_place(healthy):
    """There are no failures; the only warning is that of a workspace without a key."""
    code, faults, checks = examined(healthy, **alone(healthy))
    assert code == 0
    assert {name: each["state"] for name, each in faults.items()} == {"KT262": "warning"}
    topics = {each["topic"] for each in checks if each["state"] == "passed"}
    assert topics >= {
        "project",
        "sops",
        "keys",
        "manifests",
        "state",
        "journal",
        "lock",
        "api key",
        "api",
        "clock",
    }


def test_text_form(healthy):
    """The last line can be parsed."""
    done = healthy.repo.keyturn("doctor")
    assert done.stdout.splitlines()[-1].startswith("Doctor: ")


def test_tools_are_checked_without_a_project(setup, tmp_path):
    """The other checks run without keyturn.yaml."""
    (tmp_path / "empty").mkdir()
    code, faults, checks = examined(setup, "-C", str(tmp_path / "empty"))
    assert code == 1
    assert "KT001" in faults
    assert "sops" in {each["topic"] for each in checks}


def fake(folder, version):
    """Write a fake sops that reports a version."""
    folder.mkdir()
    (folder / "sops").write_text(f"#!/bin/sh\necho sops {version}\n")
    (folder / "sops").chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("version", ["3.8.1", "3.9.4"])
def test_an_old_sops(healthy, tmp_path, version):
    """Too old to read, or too old to write."""
    _, faults, _ = examined(healthy, PATH=f"{fake(tmp_path / 'old', version)}:/usr/bin:/bin")
    assert faults["KT011"]["state"] == ("failed" if version == "3.8.1" else "warning")


def test_two_sops(healthy, tmp_path):
    """Two sops on the PATH are a warning."""
    path = f"{healthy.bin}:{fake(tmp_path / 'other', '3.9.4')}:/usr/bin:/bin"
    code, faults, _ = examined(healthy, PATH=path)
    assert code == 0
    assert str(tmp_path / "other/sops") in faults["KT080"]["message"]


def test_missing_wrong_and_world_readable_keys(healthy, tmp_path):
    """Each problem of an age key has its own code."""
    code, faults, _ = examined(healthy, SOPS_AGE_KEY_FILE=None)
    assert (code, "KT020" in faults) == (1, True)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    wrong.chmod(0o644)
    code, faults, _ = examined(healthy, SOPS_AGE_KEY_FILE=str(wrong))
    assert (code, faults["KT220"]["state"], faults["KT081"]["state"]) == (1, "failed", "warning")


def test_an_api_key_with_a_newline(healthy):
    """A newline in the API key is a warning."""
    code, faults, _ = examined(healthy, PLANASONIX_API_KEY=f"{healthy.repo.key}\n")
    assert (code, faults["KT082"]["state"]) == (0, "warning")


def test_missing_and_revoked_api_keys(healthy):
    """Both are failures with different codes."""
    code, faults, _ = examined(healthy, PLANASONIX_API_KEY=None)
    assert (code, "KT030" in faults) == (1, True)
    healthy.service.revoke_key(healthy.repo.key)
    code, faults, checks = examined(healthy)
    assert code == 1
    assert any("unknown, revoked or expired" in each["hint"] for each in checks)


def test_a_key_without_the_scope(healthy):
    """403 and 401 have different codes."""
    healthy.service.accept_key("plnx_live_narrow", scopes=["pipelines:read"])
    code, _, checks = examined(healthy, PLANASONIX_API_KEY="plnx_live_narrow")
    assert code == 1
    assert any("lacks a scope" in each["hint"] for each in checks)


def test_wrong_organization_and_unreachable_api(healthy):
    """Both are failures with different codes."""
    healthy.repo.organization = "org_other"
    healthy.repo.project()
    assert "KT520" in examined(healthy)[1]
    healthy.repo.base_url = "http://127.0.0.1:9"
    healthy.repo.project()
    code, faults, _ = examined(healthy, apart=True)
    assert code == 1
    assert [code for code in faults if code.startswith("KT5")]


def test_wrong_clock(healthy):
    """The check compares the clock with the one of the service."""
    healthy.service.set_clock(advance=3600)
    code, faults, _ = examined(healthy)
    assert code == 0
    assert "behind" in faults["KT083"]["message"]


def test_variables_that_are_ignored(healthy):
    """Ignored variables are listed, and the API is reached."""
    code, faults, checks = examined(healthy, HTTPS_PROXY="http://127.0.0.1:9", SSLKEYLOGFILE="/dev/null")
    assert code == 0
    assert faults["KT084"]["state"] == "note"
    assert sum(each["code"] == "KT084" for each in checks) == 2


def test_conflict_markers_and_a_broken_mac(healthy):
    """Each check has a hint that fixes the file."""
    connection = healthy.repo.root / "manifests/prod/connections/prod-pg.yaml"
    whole = connection.read_text()
    connection.write_text(f"<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n")
    code, faults, _ = examined(healthy)
    assert (code, "git checkout --ours" in faults["KT103"]["hint"]) == (1, True)
    connection.write_text(whole)
    credential = healthy.repo.root / "manifests/prod/credentials/prod-db.yaml"
    credential.write_text(credential.read_text().replace("username: svc", "username: svd"))
    code, faults, _ = examined(healthy)
    assert code == 1
    assert "sops set --ignore-mac" in faults["KT221"]["hint"]


def test_the_hint_for_a_broken_mac_works(healthy):
    """The command of the hint repairs the file, and a new seal completes it."""
    credential = healthy.repo.root / "manifests/prod/credentials/prod-db.yaml"
    credential.write_text(credential.read_text().replace("username: svc", "username: svd"))
    words = ["set", "--ignore-mac", str(credential), '["name"]', '"prod-db"']
    environment = {**healthy.repo.environment(), "SOPS_CONFIG": "/dev/null"}
    subprocess.run([SOPS, "--config", "/dev/null", *words], check=True, env=environment, capture_output=True)
    healthy.repo.project(policy={"recipients": {"manifests/prod": [healthy.repo.age.recipient]}})
    assert healthy.repo.run_in_process("seal", "prod-db", "--reason", "repair", "--yes").code == 0
    assert "KT221" not in examined(healthy)[1]


def test_changed_journal(healthy):
    """The hash chain of the journal is checked."""
    (tape,) = [each for each in (healthy.repo.root / ".keyturn/prod").iterdir() if "journal" in each.name]
    tape.write_bytes(tape.read_bytes().replace(b"prod-db", b"prod-dc", 1))
    code, faults, _ = examined(healthy)
    assert (code, faults["KT620"]["state"]) == (1, "failed")


def test_untrusted_event_uses_no_keys(healthy):
    """An event of a fork decrypts nothing and sends no request."""
    before = len(healthy.service.list_requests())
    _, _, checks = examined(healthy, GITHUB_EVENT_NAME="pull_request_target")
    assert len(healthy.service.list_requests()) == before
    assert sum(each["state"] == "skipped" for each in checks) >= 2
