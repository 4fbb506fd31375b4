"""Output on stdout and stderr when names in the workspace, the state and files are hostile."""

import json
import sys
import time
from datetime import UTC, datetime

import pytest

from invisible_characters import RUNNER_COMMAND, SAMPLES_BY_SORT, find_invisible
from keyturn.model.clock import RunClock
from keyturn.state.lock import LockHolder, acquire_lock
from keyturn.state.stores import open_store
from sample_plans import HOSTILE
from terminals import run_on_terminal, strip_escapes

NAME = "ui\n::error::x\r##[group]y\x1b[2J\x9b31m\u202e\u200b\u2028\U000e0041z"
WHERE = {"type": "postgres", "config": {"host": "h\n::error::host\x1b[31m", "port": 1, "database": "d\u202e"}}


def harmless(done):
    """Check that both streams hold no invisible character but line feeds, and no runner command."""
    for text in (done.stdout, done.stderr):
        assert find_invisible(strip_escapes(text)) <= {"\n"}
        assert not RUNNER_COMMAND.search(text)


@pytest.fixture
def hostile(setup, canary):
    """Return a setup whose workspace has hostile names."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.run("apply", "--yes").code == 0
    identity = setup.live()["prod-db"]["id"]
    ids = setup.service.seed_objects(connections=[{"name": NAME, "credentialId": identity, **WHERE}])[
        "connections"
    ]
    nodes = [{"config": {"connectionId": ids[0]}}]
    setup.service.seed_objects(pipelines=[{"id": "pl_1", "name": NAME, "status": "active", "nodes": nodes}])
    setup.service.seed_objects(
        schedules=[{"id": "s", "pipeline_id": "pl_1", "enabled": True, "next_run_at": NAME}]
    )
    setup.service.edit_in_ui("connections", "prod-pg", config={"database": HOSTILE})
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


COMMANDS = [
    *(("plan", "--format", form) for form in ("text", "markdown", "summary", "json", "html", "gitlab")),
    ("plan", "-v"),
    ("plan", "--refresh-only"),
    *(("usage", "--format", form) for form in ("text", "markdown", "json", "html")),
    ("import", "--all"),
    ("pull", "--dry-run"),
    ("doctor",),
    ("test",),
    ("log",),
    ("apply", "--yes", "-v"),
    ("revoke", "prod-db", "--yes"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_escapes_hostile_names(hostile, command):
    """Names and values of connections, pipelines and schedules are escaped."""
    done = hostile.run(*command)
    assert done.code in {0, 1, 3, 5}, done.stderr
    assert "Traceback" not in done.stderr
    harmless(done)


@pytest.mark.parametrize("sort", sorted(SAMPLES_BY_SORT))
def test_every_format_escapes_a_hostile_file_name(setup, canary, sort):
    """Findings of a manifest with a hostile file name are escaped on both streams."""
    setup.repo.credential("prod-db", {"password": canary()})
    odd = "".join(
        letter
        for letter in SAMPLES_BY_SORT[sort]
        if letter not in "\0/" and not "\ud800" <= letter <= "\udfff"
    )
    path = setup.repo.root / f"manifests/prod/connections/x{odd[:60]}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("kind: connection\nname: other\n  bad: [\n")
    for form in ("text", "concise", "json", "github", "gitlab", "sarif", "junit", "markdown"):
        done = setup.run("validate", "--format", form)
        assert done.code == 1
        ours = done.stdout.replace("::error ", "").replace("::warning ", "").replace("::notice ", "")
        for text in (ours, done.stderr):
            assert find_invisible(strip_escapes(text)) <= {"\n", "\t"}
            assert not RUNNER_COMMAND.search(text)
    harmless(setup.run("plan"))


def test_a_forged_lock_holder_is_escaped(setup, canary):
    """Names in the lock file are escaped."""
    setup.repo.credential("prod-db", {"password": canary()})
    clock = RunClock(now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    holder = LockHolder(id="3f9c2a7d", who=NAME, host=NAME, url=NAME, commit=NAME)
    acquire_lock(open_store("file:.keyturn/prod", setup.repo.root, {}), holder, clock)
    for command in (("apply", "--yes"), ("doctor",), ("unlock", NAME), ("unlock", "3f9c2a7d")):
        done = setup.run(*command)
        assert r"\u{202e}" in done.stdout + done.stderr
        harmless(done)


@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_gets_no_escape_sequences_of_names(hostile, columns):
    """A real terminal gets only colours and the sequences of the progress bar."""
    env = hostile.repo.environment(TERM="xterm-256color", LANG="C.UTF-8")
    argv = [sys.executable, "-m", "keyturn", "plan"]
    done = run_on_terminal(
        argv, cwd=hostile.repo.root, env=env, columns=columns, streams=("stdout", "stderr")
    )
    assert done.code == 5  # the rotation would follow a connection of the UI
    assert find_invisible(strip_escapes(done.stdout)) <= {"\n", "\r"}
    assert r"\u{202e}" in done.stdout
    assert json.dumps(NAME) not in done.stdout
