"""Store in a folder: links, permissions, killed and concurrent writers."""

import json
import os
import stat
import subprocess
import sys

import pytest

from keyturn.state.stores import open_store
from keyturn.state.stores.base import NO_ETAG
from keyturn.state.stores.directory import DirectoryStore

COUNT = """
import json, sys
from pathlib import Path
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed
from keyturn.state.stores import open_store
store = open_store("file:.keyturn/prod", Path(sys.argv[1]), {})
done = 0
while done < 40:
    blob = store.read("count")
    count = json.loads(blob.data) if blob else 0
    try:
        store.put("count", json.dumps(count + 1).encode(), blob.etag if blob else NO_ETAG)
        done += 1
    except PreconditionFailed:
        pass
"""

WRITE = """
import itertools, sys
from pathlib import Path
from keyturn.state.stores import open_store
store = open_store("file:.keyturn/prod", Path(sys.argv[1]), {})
etag = store.read("a").etag
for turn in itertools.count():
    etag = store.put("a", b"%d " % turn * 100_000, etag)
    print(turn, flush=True)
"""


FULL = """
import resource, signal, sys
from pathlib import Path
from keyturn.model.diagnostic import DiagnosticError
from keyturn.state.stores import open_store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
store = open_store("file:.keyturn/prod", Path(sys.argv[1]), {})
try:
    store.put("a", bytes(2000), store.read("a").etag)
except DiagnosticError as full:
    print(full.diagnostics[0].code)
"""


def test_reading_creates_nothing(tmp_path, folder):
    """A plan without a state leaves no files."""
    assert folder.read("state.json") is None
    assert folder.list_keys("") == ()
    assert list(folder.open_log().read(0)) == []
    assert list(tmp_path.iterdir()) == []


def test_folder_and_files_are_accessible_to_the_owner_only(tmp_path, folder):
    """Modes 0700 and 0600."""
    folder.put("state.json", b"x", NO_ETAG)
    folder.open_log().prepare_append(0)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {name: mode for name, mode in modes.items() if mode != 0o600} == {".keyturn": 0o700, "prod": 0o700}
    assert modes["state.json"] == modes["journal.jsonl"] == 0o600


@pytest.mark.parametrize("linked", [".keyturn", ".keyturn/prod"])
def test_a_linked_folder_is_refused(tmp_path, assert_refused, linked):
    """A symbolic link could lead out of the project."""
    (tmp_path / "elsewhere" / "prod").mkdir(parents=True)
    (tmp_path / "project" / linked).parent.mkdir(parents=True)
    (tmp_path / "project" / linked).symlink_to(tmp_path / "elsewhere")
    store = open_store("file:.keyturn/prod", tmp_path / "project", {})
    for attempt in (
        lambda: store.read("a"),
        lambda: store.put("a", b"x", NO_ETAG),
        lambda: store.list_keys(""),
        store.open_log,
        store.current_time,
    ):
        with assert_refused("KT607"):
            attempt()
    assert [path.name for path in (tmp_path / "elsewhere").rglob("*")] == ["prod"]


@pytest.mark.parametrize("name", ["a", ".guard", ".aside", "journal.jsonl"])
def test_a_linked_file_is_refused_or_replaced(tmp_path, assert_refused, folder, name):
    """No write follows a symbolic link."""
    folder.put("b", b"x", NO_ETAG)
    target = tmp_path / "precious"
    target.write_text("precious")
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).symlink_to(target)
    if name == ".aside":
        folder.put("a", b"x", NO_ETAG)
    else:
        with assert_refused("KT607"):
            folder.open_log().prepare_append(0) if name == "journal.jsonl" else folder.put("a", b"x", NO_ETAG)
    assert target.read_text() == "precious"


def test_a_file_at_the_path_of_the_folder_is_refused(tmp_path, assert_refused, folder):
    """The file stays."""
    (tmp_path / ".keyturn").write_text("mine")
    with assert_refused("KT607"):
        folder.put("a", b"x", NO_ETAG)
    assert (tmp_path / ".keyturn").read_text() == "mine"


def test_a_read_only_folder_is_reported(assert_refused, tmp_path):
    """KT605; not even root can write to this one."""
    with assert_refused("KT605"):
        open_store("file:/sys/keyturn", tmp_path, {}).put("a", b"x", NO_ETAG)


def test_a_temporary_file_of_a_killed_writer_is_no_object(folder):
    """It is not read or listed, and the next write removes it."""
    etag = folder.put("a", b"one", NO_ETAG)
    (folder.path / ".aside").write_bytes(b"half")
    assert folder.list_keys("") == ("a",)
    folder.put("a", b"two", etag)
    assert sorted(path.name for path in folder.path.iterdir()) == [".guard", "a"]


def test_content_is_on_disk_before_its_name_is(folder, monkeypatch):
    """After a power failure the file is whole: first the content, then the name, then the folder."""
    order = []

    def noted(name, work):
        return lambda *given: (order.append(name), work(*given))[1]

    monkeypatch.setattr("keyturn.state.stores.secure_files._sync_file", noted("content", os.fsync))
    monkeypatch.setattr(type(folder.path), "replace", noted("name", type(folder.path).replace))
    monkeypatch.setattr("keyturn.state.stores.directory.sync_directory", noted("folder", lambda _: None))
    folder.put("a", b"x", NO_ETAG)
    assert order == ["content", "name", "folder"]


def test_on_a_full_disk_the_old_object_stays(tmp_path, folder):
    """A write that does not fit changes nothing."""
    folder.put("a", b"old", NO_ETAG)
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert run.stdout == "KT608\n"
    assert folder.read("a").data == b"old"
    assert folder.list_keys("") == ("a",)


def test_no_increment_of_concurrent_processes_is_lost(tmp_path):
    """Four processes increment one counter."""
    workers = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    assert json.loads((tmp_path / ".keyturn/prod/count").read_bytes()) == 160


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 8])
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path, folder, turns):
    """The file has the content of one write, at least as new as the last reported one."""
    folder.put("a", b"-1 " * 100_000, NO_ETAG)
    with subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path)], stdout=subprocess.PIPE) as worker:
        reported = [int(worker.stdout.readline()) for _ in range(turns)]
        worker.kill()
    parts = folder.read("a").data.split()
    assert len(parts) == 100_000
    assert len(set(parts)) == 1
    assert int(parts[0]) >= reported[-1]
    folder.put("a", b"next", folder.read("a").etag)


def test_directory_stores_are_compared_by_value():
    """Two stores of one folder are equal."""
    assert DirectoryStore(os.sep, ("a",), "file:a") == DirectoryStore(os.sep, ("a",), "file:a")
