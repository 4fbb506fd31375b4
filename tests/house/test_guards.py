"""The guards' own test: each holds, and lets through what a test needs."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import pytest

import guards


@pytest.fixture
def caught():
    """Take a trespass off the record, which would otherwise fail the test that provoked it."""
    yield guards.trespasses
    assert guards.trespasses, "the guard kept nothing"
    guards.trespasses.clear()


def test_connection_is_refused(caught):
    """A connection to anywhere but loopback is refused before a packet leaves."""
    with socket.socket() as sock, pytest.raises(guards.ForbiddenAccessError, match="loopback only"):
        sock.connect(("192.0.2.1", 443))
    assert len(caught) == 1


def test_datagram_is_refused(caught):
    """So is a datagram."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(guards.ForbiddenAccessError):
        sock.sendto(b"", ("192.0.2.1", 53))
    assert len(caught) == 1


def test_lookup_is_refused(caught):
    """A name is not looked up, whatever library asks."""
    with pytest.raises(guards.ForbiddenAccessError, match=r"api\.planasonix\.com"):
        httpx.get("https://api.planasonix.com/", trust_env=False)
    assert len(caught) == 1


def test_swallowed_trespass_is_kept(caught):
    """A guard that was met is remembered, even where the exception was swallowed."""
    with socket.socket() as sock:
        assert sock.connect_ex is not None
        try:
            sock.connect(("192.0.2.1", 443))
        except Exception:  # noqa: BLE001
            assert len(caught) == 1


def test_loopback_is_open():
    """A server of the test itself is reached, by number and by name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, port), timeout=5) as sock:
                assert sock.getpeername()[1] == port


def test_unix_sockets_are_open(tmp_path):
    """A socket in a folder is no network."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as sock:
        server.bind(path)
        server.listen()
        sock.connect(path)
        assert sock.getpeername() == path


def test_invalid_names_do_not_exist():
    """A name below `.invalid` fails as in life, without asking anyone."""
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("service.invalid", 443)


def test_long_sleep_is_refused(caught):
    """A test does not sleep."""
    with pytest.raises(guards.ForbiddenAccessError, match="pass a clock"):
        time.sleep(guards.LONGEST_SLEEP + 0.01)
    assert len(caught) == 1


@pytest.mark.waits
def test_marked_sleep_is_allowed():
    """A test whose subject is a real clock may wait."""
    before = time.monotonic()
    time.sleep(guards.LONGEST_SLEEP + 0.01)
    assert time.monotonic() - before > guards.LONGEST_SLEEP


def test_sleep_of_a_library_is_allowed():
    """A library may wait as it likes; only our own code is held."""
    before = time.monotonic()
    threading.Event().wait(0.001)
    code = compile("time.sleep(0.26)", "/usr/lib/some/library.py", "exec")
    exec(code, {"time": time})  # noqa: S102
    assert time.monotonic() - before > guards.LONGEST_SLEEP


def test_home_is_empty():
    """There is a home directory, it is empty, and it is none of anybody's."""
    home = Path(os.environ["HOME"])
    assert Path.home() == home
    assert list(home.iterdir()) == []
    assert all(Path(os.environ[name]).is_relative_to(home) for name in os.environ if name.startswith("XDG_"))


def test_litter_in_the_home_directory_is_found(tmp_path):
    """A test that writes to the home directory fails."""
    ended = _inner(
        tmp_path, "import os, pathlib\ndef test_it():\n    pathlib.Path.home().joinpath('.x').touch()\n"
    )
    assert ended.returncode == 1
    assert "something was written to the home directory" in ended.stdout


def test_trespass_fails_the_test_that_swallows_it(tmp_path):
    """A test that swallows a guard's exception fails all the same."""
    code = "import socket, contextlib\ndef test_it():\n    with contextlib.suppress(Exception):\n"
    ended = _inner(tmp_path, code + "        socket.getaddrinfo('example.com', 1)\n")
    assert ended.returncode == 1
    assert "a look-up of example.com" in ended.stdout


def test_keys_of_the_user_are_gone(tmp_path):
    """Keys, proxies and settings of whoever runs the tests reach none of them."""
    names = [
        "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "PLANASONIX_API_KEY", "VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "GITHUB_TOKEN", "HTTPS_PROXY", "https_proxy",
        "GIT_DIR", "CI", "NO_COLOR", "FORCE_COLOR", "PGPASSWORD",
    ]  # fmt: skip
    code = f"import os\ndef test_it():\n    assert not set(os.environ) & set({names!r})\n"
    ended = _inner(tmp_path, code, dict.fromkeys(names, "x"))
    assert ended.returncode == 0, ended.stdout


def test_temporary_files_are_apart():
    """Temporary files of a test lie in a folder of this run, which is searched and then removed."""
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).is_relative_to(os.environ["TMPDIR"])
        assert "keyturn-" in folder


def test_git_has_an_author(tmp_path):
    """A repository can be made in an empty home directory, untouched by the user's settings."""
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"], ["log", "--format=%an"]):
        ended = subprocess.run(["git", *words], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "Tester\n"


def _inner(tmp_path, code, environment=None):
    test = tmp_path / "test_inner.py"
    test.write_text(code)
    words = [
        "-q",
        "-p",
        "no:schemathesis",
        "-p",
        "canary",
        "-p",
        "guards",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        tmp_path / "base",
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, test],
        cwd=tmp_path,
        env={**kept, **(environment or {}), "PYTHONPATH": str(Path(guards.__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
