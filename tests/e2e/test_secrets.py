"""Secrets written by the command line: atomically, exactly, and never in plain text on a disk."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from subprocess_runner import run_command
from workspace import SOPS

FILE = "manifests/prod/credentials/prod-db.yaml"
SET = [sys.executable, "-m", "keyturn", "secret", "set", "prod-db"]


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def held(setup, field="password"):
    """Return a secret of the file as sops opens it."""
    done = subprocess.run(
        [SOPS, "--config", "/dev/null", "decrypt", "--extract", f'["secrets"]["{field}"]', FILE],
        cwd=setup.repo.root, env=setup.repo.environment(), capture_output=True, check=True, text=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("value", ["0123", "1e5", "no", "12:30", "~", "1_000", "0x1F", "2024-01-02"])
def test_ambiguous_yaml_strings_are_kept(ready, value):
    """The value is stored exactly."""
    done = ready.run("secret", "set", "prod-db", "password", stdin=value)
    assert done.code == 0, done.stderr
    assert held(ready) == value


def test_concurrent_writes_lose_nothing(ready, canary):
    """Two processes set different fields of one file."""
    values = {"password": canary(), "private_key_passphrase": canary()}

    def write(field):
        return ready.repo.keyturn("secret", "set", "prod-db", field, stdin=values[field])

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(write, values))
    assert [end.code for end in ends] == [0, 0], ends
    assert {field: held(ready, field) for field in values} == values


def test_a_killed_process_leaves_the_old_or_the_new_file(ready, canary):
    """Leftover files do not block the next command."""
    old, new = held(ready), canary()
    path = ready.repo.root / FILE
    before = path.read_bytes()
    endings = set()
    for pause in (0.1, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 3.0):
        path.write_bytes(before)
        with subprocess.Popen(
            [*SET, "password"], cwd=ready.repo.root, env=ready.repo.environment(), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as child:  # fmt: skip
            child.stdin.write(new.encode())
            child.stdin.close()
            try:
                child.wait(pause)
            except subprocess.TimeoutExpired:
                child.kill()
        endings.add(held(ready))
    assert old in endings
    assert endings <= {old, new}
    assert ready.run("secret", "set", "prod-db", "password", stdin=new).code == 0
    assert held(ready) == new


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize(
    "command", [(*SET, "password"), (sys.executable, "-m", "keyturn", "seal", "prod-db")]
)
def test_no_plaintext_is_written_to_a_disk(ready, canary, tmp_path, command):
    """The secret is written only to pipes."""
    old, new = held(ready), canary()
    trace = canary.allow(tmp_path / "trace", "what went through pipes")
    calls = "trace=write,pwrite64,writev,pwritev,sendto,sendmsg"
    traced = ["strace", "-f", "-yy", "-s", "100000", "-e", calls, "-o", str(trace), *command]
    done = run_command(traced, cwd=ready.repo.root, env=ready.repo.environment(), stdin=new)
    assert done.code == 0, done.stderr
    lines = [line for line in trace.read_text(errors="replace").splitlines() if old in line or new in line]
    assert all(re.search(r"\(\d+<(pipe|UNIX|socket)", line) for line in lines), lines
    assert lines or "seal" in command
