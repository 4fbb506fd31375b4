"""The guards: no network but loopback, no home directory, no real key, no long sleep.

The network is guarded by an audit hook, which sees every call of the interpreter, however it was
imported. Libraries that bring their own sockets (libpq, obstore) are not seen.
"""

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Generator
from ipaddress import ip_address
from pathlib import Path

import pytest

import canary

LONGEST_SLEEP = 0.25
_ROOT = Path(__file__).resolve().parent.parent
_WATCHED = (str(_ROOT / "src"), str(_ROOT / "tests"))
_OURS = ("SOPS_", "AGE_", "PLANASONIX_", "KEYTURN_")
_CLOUDS = ("VAULT_", "AWS_", "AZURE_", "GOOGLE_", "GCP_", "CLOUDSDK_", "GH_", "GITHUB_", "GITLAB_", "CI_")
_OTHERS = ("GIT_", "PG", "XDG_", "SSLKEYLOG")
_NAMES = ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES")
_XDG = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.com",
    "GIT_COMMITTER_NAME": "Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.com",
}


class ForbiddenAccessError(RuntimeError):
    """Raised in the face of a test that does what no test may do."""


trespasses: list[str] = []
"""What the tests that ran did against the rules; the guards' own tests empty it again."""

_waits = False


def _refuse(what: str) -> None:
    trespasses.append(what)
    raise ForbiddenAccessError(what)


def _loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _on_connect(sock: socket.socket, address: object) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6) and not _loopback(address[0]):
        _refuse(f"a connection to {address[0]}: tests talk to loopback only")


def _on_lookup(host: object, *_: object) -> None:
    if str(host).rstrip(".").endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if not _loopback(host):
        _refuse(f"a look-up of {host}: tests talk to loopback only")


def _sleep(seconds: float) -> None:
    caller = sys._getframe(1).f_code.co_filename
    if seconds > LONGEST_SLEEP and not _waits and caller.startswith(_WATCHED):
        _refuse(f"a sleep of {seconds} s in {caller}: pass a clock, or mark the test with `waits`")
    _SLEEP(seconds)


_EVENTS = {
    "socket.connect": _on_connect,
    "socket.sendto": _on_connect,
    "socket.getaddrinfo": _on_lookup,
    "socket.gethostbyname": _on_lookup,
    "subprocess.Popen": lambda program, argv, _, variables: canary.record_process(program, argv, variables),
}


def _audit(event: str, details: tuple[object, ...]) -> None:
    if event in _EVENTS and _armed:
        _EVENTS[event](*details)


_armed: list[Path] = []
sys.addaudithook(_audit)
_SLEEP, time.sleep = time.sleep, _sleep  # here, before a module of ours takes the function by name


def pytest_configure() -> None:
    """Take away the home directory, keys and settings of whoever runs the tests."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    ground = Path(tempfile.mkdtemp(prefix="keyturn-"))
    for name in list(os.environ):
        if name.startswith(_OURS + _CLOUDS + _OTHERS) or name in _NAMES or name.lower().endswith("_proxy"):
            del os.environ[name]
    home = ground / "home"
    os.environ |= _GIT | {name: str(home / below) for name, below in _XDG.items()}
    os.environ |= {"HOME": str(home), "TMPDIR": str(ground / "tmp")}
    home.mkdir()
    (ground / "tmp").mkdir()
    tempfile.tempdir = str(ground / "tmp")
    canary.add_scratch_folder(ground / "tmp")
    _armed.append(ground)


def pytest_unconfigure() -> None:
    """Clear the ground."""
    tempfile.tempdir = None
    while _armed:
        shutil.rmtree(_armed.pop(), ignore_errors=True)


@pytest.fixture(autouse=True)
def guards(request: pytest.FixtureRequest) -> Generator[None]:
    """Hold every test to the rules, even one that swallows the exception."""
    global _waits  # noqa: PLW0603
    _waits = request.node.get_closest_marker("waits") is not None
    yield
    _waits = False
    home = Path(_armed[-1], "home")
    litter = sorted(path.name for path in home.iterdir())
    for name in litter:
        shutil.rmtree(home / name, ignore_errors=True)
        (home / name).unlink(missing_ok=True)
    broken, trespasses[:] = list(trespasses), []
    assert not broken
    assert not litter, "something was written to the home directory"
