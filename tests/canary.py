"""The canary plugin: after every test, secrets of the run are only where they are allowed.

A test asks for secrets with ``canary("ascii")`` (the kinds are in ``leak_search.py``) and goes on. When
it is over, everything that it left behind is searched for each of them in every shape: captured
output, log records down to DEBUG, exceptions with their chains and attributes, files and file names
under ``tmp_path`` and the temporary directory, argv and environment of children, and whatever else
was handed over with ``canary.record``. A find fails the test.

Each allowed place has a reason: ``canary.allow(path, why)`` for a file or folder,
``canary.allow_environment(name, why)`` for a variable that a child needs.
"""

import hashlib
import logging
import os
import random
import stat
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.capture import CaptureFixture
from _pytest.raises import RaisesExc
from click.testing import CliRunner

from leak_search import Canary, LeakMatch, LeakSearcher, make_canary

_LOUD = ("keyturn", "planasonix_emulator", "httpx", "httpcore", "uvicorn")
_OURS = ("keyturn", "planasonix-emulator", "python", "pytest")
_SOPS_KEYS = frozenset({"SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE"})
_LARGEST_FILE = 64 << 20


@dataclass
class Recorder:
    """What one test leaves behind, and the secrets that must not be in it."""

    dice: random.Random
    canaries: list[Canary] = field(default_factory=list)
    materials: list[tuple[str, bytes | str | Callable[[], object]]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    allowed: dict[Path, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=lambda: dict.fromkeys(_SOPS_KEYS, "sops needs it"))

    def record(self, where: str, material: object) -> None:
        """Keep something to be searched at the end of the test."""
        text = material if isinstance(material, bytes | str) or callable(material) else repr(material)
        self.materials.append((where, text))

    def environment(self, where: str, variables: Mapping[str, str]) -> None:
        """Keep the environment of a child, without what it is allowed to hold."""
        shown = {name: value for name, value in variables.items() if name not in self.variables}
        self.record(where, "\n".join(f"{name}={value}" for name, value in shown.items()))


class Canaries:
    """The fixture ``canary``: makes secrets and allows places for them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __call__(self, kind: str = "ascii") -> str:
        """Make a unique secret, and search for it."""
        taken = [canary.value for canary in self._recorder.canaries]
        self._recorder.canaries.append(make_canary(kind, self._recorder.dice, taken))
        return self._recorder.canaries[-1].value

    def add(self, value: str, kind: str = "own") -> str:
        """Search for a secret that was made elsewhere."""
        self._recorder.canaries.append(Canary(kind, value))
        return value

    def allow(self, path: Path, why: str) -> Path:
        """Allow secrets in a file or a folder, such as an age key."""
        self._recorder.allowed[Path(path).resolve()] = why
        return path

    def allow_environment(self, name: str, why: str) -> None:
        """Allow secrets in this variable of child processes."""
        self._recorder.variables[name] = why

    def watch(self, folder: Path) -> None:
        """Search a file or folder outside of ``tmp_path``."""
        self._recorder.folders.append(Path(folder))

    def record(self, where: str, material: object) -> None:
        """Search further text, a value, or the result of a function called at the end of the test."""
        self._recorder.record(where, material)


_STACK: list[Recorder] = []
_EVERYWHERE: list[Canary] = []
_SCRATCH: list[Path] = []


def current() -> Recorder:
    """Return the recorder of the test that runs; outside of tests, an unused one."""
    return _STACK[-1] if _STACK else Recorder(random.Random(0))


def add_everywhere(value: str, kind: str) -> None:
    """Watch for a secret in every test from now on."""
    _EVERYWHERE.append(Canary(kind, value))


def add_scratch_folder(folder: Path) -> None:
    """Search a folder after every test: the temporary directory."""
    _SCRATCH.append(folder)


# The channels ------------------------------------------------------------------------------------


class _Listener(logging.Handler):
    """Keeps log records: message, arguments, exception, and what was attached to them."""

    def emit(self, record: logging.LogRecord) -> None:
        where = f"log record of {record.name}"
        with suppress(Exception):
            current().record(where, record.getMessage())
        current().record(where, repr({**vars(record), "exc_info": None}))
        if record.exc_info and record.exc_info[1]:
            record_error(f"{where}, exception", record.exc_info[1])


def record_error(where: str, error: BaseException) -> None:
    """Keep an exception as a reader may meet it: its chain, its arguments and its attributes."""
    recorder = current()
    recorder.record(where, "".join(traceback.format_exception(error)))
    seen: BaseException | None = error
    while seen is not None:
        recorder.record(where, f"{seen!r} {seen.args!r} {getattr(seen, '__dict__', {})!r}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def record_process(program: object, argv: Iterable[object], variables: Mapping[Any, Any] | None) -> None:
    """Keep what a child was started with; our own programs may be given the environment of a test."""
    words = [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in argv]
    name = Path(os.fsdecode(program) if isinstance(program, bytes) else str(program or words[0])).name
    current().record(f"argv of {name}", "\n".join(words))
    if not name.startswith(_OURS):
        given = os.environ if variables is None else variables
        texts = {os.fsdecode(key): os.fsdecode(value) for key, value in given.items()}
        current().environment(f"environment of {name}", texts)


def _on_capture(fixture: CaptureFixture[Any]) -> Any:
    out, err = result = _READ(fixture)
    current().record("captured stdout", out)
    current().record("captured stderr", err)
    return result


def _on_invoke(runner: CliRunner, *args: Any, **options: Any) -> Any:
    result = _INVOKE(runner, *args, **options)
    current().record("output of the command", result.output)
    current().record("stderr of the command", result.stderr)
    if result.exception:
        record_error("exception of the command", result.exception)
    return result


def _on_raises(context: RaisesExc[Any], *raised: Any) -> bool:
    __tracebackhide__ = True
    if raised[1] is not None:
        record_error("exception", raised[1])
    return _EXIT(context, *raised)


_READ, _INVOKE, _EXIT = CaptureFixture.readouterr, CliRunner.invoke, RaisesExc.__exit__
_LISTENER = _Listener(level=logging.NOTSET)


def pytest_configure() -> None:
    """Stand where output passes that pytest itself does not keep."""
    CaptureFixture.readouterr = _on_capture  # type: ignore[method-assign]
    CliRunner.invoke = _on_invoke  # type: ignore[method-assign]
    RaisesExc.__exit__ = _on_raises  # type: ignore[method-assign]


def pytest_unconfigure() -> None:
    """Leave everything as it was."""
    CaptureFixture.readouterr = _READ  # type: ignore[method-assign]
    CliRunner.invoke = _INVOKE  # type: ignore[method-assign]
    RaisesExc.__exit__ = _EXIT  # type: ignore[method-assign]


# The search --------------------------------------------------------------------------------------


def _files(recorder: Recorder, folders: Iterable[Path]) -> Iterable[tuple[str, bytes]]:
    for folder in folders:
        found = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in found:
            if recorder.allowed.keys().isdisjoint((path.resolve(), *path.resolve().parents)):
                yield f"the name of {path}", os.fsencode(path.relative_to(folder.parent))
                yield from _content(path)


def _content(path: Path) -> Iterable[tuple[str, bytes]]:
    with suppress(OSError):
        about = path.lstat()
        if stat.S_ISREG(about.st_mode) and about.st_size <= _LARGEST_FILE:
            yield f"file {path}", path.read_bytes()


def _materials(item: pytest.Item, recorder: Recorder) -> Iterable[tuple[str, bytes]]:
    for where, material in recorder.materials:
        value = material() if callable(material) else material
        text = value if isinstance(value, bytes | str) else repr(value)
        yield where, text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    for when, channel, text in item._report_sections:
        yield f"{channel} of {when}", text.encode("utf-8", "replace")
    own = getattr(item, "funcargs", {}).get("tmp_path")
    yield from _files(recorder, [*([own] if own else []), *recorder.folders, *_SCRATCH])


def _found(item: pytest.Item, recorder: Recorder) -> Iterable[str]:
    canaries = (*recorder.canaries, *_EVERYWHERE)
    if not canaries:
        return
    seeker = LeakSearcher(canaries)
    searched: set[bytes] = set()
    for where, text in _materials(item, recorder):
        digest = hashlib.blake2b(text, digest_size=16).digest()
        if digest not in searched and (sighting := seeker.seek(text)):
            yield _sentence(where, text, sighting)
        searched.add(digest)


def _sentence(where: str, text: bytes, sighting: LeakMatch) -> str:
    near = text[max(0, sighting.offset - 40) : sighting.offset + 60]
    kind, shape = sighting.canary.kind, sighting.shape
    return f"a secret ({kind}) was found in {where}, in the shape: {shape}\n    …{near!r}…"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give each test a recorder of its own, and secrets that are the same in each run."""
    seed = hashlib.sha256(item.nodeid.encode()).digest()
    recorder = Recorder(random.Random(seed))
    item.stash[_KEY] = recorder
    _STACK.append(recorder)
    root = logging.getLogger()
    if _LISTENER not in root.handlers:
        root.addHandler(_LISTENER)
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        return (yield)
    finally:
        _STACK.pop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep exceptions that end a test; search when all of it is over, its fixtures included."""
    report = yield
    if call.excinfo and not isinstance(call.excinfo.value, AssertionError | pytest.skip.Exception):
        record_error("exception that ended the test", call.excinfo.value)
    if call.when == "teardown":
        leaks = list(_found(item, item.stash[_KEY]))
        if leaks:
            report.outcome = "failed"
            before = f"{report.longreprtext}\n" if report.longrepr else ""
            report.longrepr = before + "\n".join(leaks)
    return report


_KEY = pytest.StashKey[Recorder]()


@pytest.fixture
def canary(request: pytest.FixtureRequest) -> Canaries:
    """Return the maker of secrets that must not surface."""
    return Canaries(request.node.stash[_KEY])
