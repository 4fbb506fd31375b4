"""The sops metadata of a file is checked before any key service is contacted."""

import re
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from git_history import commit_all, make_keyless_environment, run_git
from sops_files import add_vault_key
from subprocess_runner import run_command
from workspace import SOPS

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def listener():
    """Return a port on loopback and the connections that it saw."""
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def listen():
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                seen.append(connection.recv(65536))
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], seen
        over.set()
        thread.join()


COMMANDS = [
    ("validate",),
    ("plan",),
    ("apply", "--yes"),
    ("secret", "set", "prod-db", "password"),
    ("seal", "prod-db"),
]


@pytest.mark.parametrize("decryptor", ["auto", "sops"])
def test_a_key_server_in_a_file_is_not_contacted(setup, canary, listener, decryptor):
    """No command connects to a Vault server that a file names, or sends it a token."""
    port, seen = listener
    setup.repo.project(top={"decryptor": decryptor})
    path = setup.repo.credential("prod-db", {"password": canary()})
    whole = path.read_text()
    # Without the first key, sops tries the next one: the server's.
    text = re.sub(r"(-----BEGIN AGE ENCRYPTED FILE-----\s+)\S+", r"\1AAAA", whole)
    assert text != whole
    for content in (whole, text):
        path.write_text(add_vault_key(content, f"http://127.0.0.1:{port}"))
        before, writes = path.read_bytes(), setup.count_writes()
        for command in COMMANDS:
            token = canary.add("hvs." + "a1b2c3d4e5f6")
            canary.allow_environment("VAULT_TOKEN", "the user's own")
            env = setup.repo.environment(VAULT_TOKEN=token, VAULT_ADDR=f"http://127.0.0.1:{port}")
            done = setup.run(*command, env=env, stdin=canary())
            assert seen == [], command
            assert done.code == (1 if command == ("validate",) else 5), (command, done.stderr)
            assert "KT206" in done.stderr + done.stdout
            assert FILE in done.stderr + done.stdout
        assert (path.read_bytes(), setup.count_writes()) == (before, writes)
    assert seen == []


def test_sops_itself_contacts_the_key_server(setup, canary, listener):
    """The listener of these tests sees a connection."""
    port, seen = listener
    path = setup.repo.credential("prod-db", {"password": canary()})
    path.write_text(add_vault_key(path.read_text(), f"http://127.0.0.1:{port}"))
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(setup.repo.home),
        "VAULT_TOKEN": "hvs.x",
        "SOPS_AGE_KEY_FILE": "/nonexistent",
    }
    subprocess.run(
        [SOPS, "--config", "/dev/null", "decrypt", path], env=env, capture_output=True, check=False
    )
    assert seen


ALLOWED = {
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SOPS_CONFIG",
    "SOPS_AGE_KEY_FILE",
    "SOPS_DISABLE_VERSION_CHECK",
}


def test_sops_gets_a_minimal_environment(setup, canary, monkeypatch):
    """The environment of sops has neither the API key nor other variables of the shell."""
    seen = []
    real = subprocess.Popen.__init__

    def watched(self, args, *more, **options):
        seen.append((args, options.get("env")))
        real(self, args, *more, **options)

    setup.repo.project(top={"decryptor": "sops"})
    setup.repo.credential("prod-db", {"password": canary()})
    env = setup.repo.environment(AWS_SECRET_ACCESS_KEY=canary(), GITHUB_TOKEN=canary(), VAULT_TOKEN=canary())
    monkeypatch.setattr(subprocess.Popen, "__init__", watched)
    assert setup.run("apply", "--yes", env=env).code == 0
    assert setup.run("secret", "set", "prod-db", "password", env=env, stdin=canary()).code == 0
    ours = [given for args, given in seen if str(args[0]).endswith("sops")]
    assert len(ours) >= 3
    assert all(given is not None for given in ours)
    names = set().union(*ours)
    assert not {name for name in names if "TOKEN" in name or "SECRET" in name or "PLANASONIX" in name}
    assert {name for name in names if not name.startswith("SOPS_")} <= ALLOWED, names


def test_offline_plan_starts_no_sops_and_opens_no_socket(setup, canary, tmp_path):
    """The system calls show that an offline plan runs only git and connects to nothing."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    commit_all(setup)
    run_git(setup, "checkout", "-q", "-b", "change")
    setup.repo.connection("prod-pg", "prod-db", {"host": "new.example.com", "port": 5432, "database": "app"})
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=execve,socket,connect,sendto", "-o", str(trace)]
    done = run_command(
        [*command, sys.executable, "-m", "keyturn", "plan", "--offline"],
        cwd=setup.repo.root,
        env=make_keyless_environment(setup),
    )
    assert done.code == 5  # the host moves
    text = trace.read_text(errors="replace")
    ran = re.findall(r'execve\("([^"]+)".* = 0$', text, re.MULTILINE)
    programs = {path.rpartition("/")[2] for path in ran} - {sys.executable.rpartition("/")[2]}
    assert programs == {"git"}
    assert not re.search(r"AF_INET", text)
