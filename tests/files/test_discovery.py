"""Discovery of manifests."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from keyturn.files.discovery import (
    MAX_FOLDER_DEPTH,
    find_manifests,
    find_name_clashes,
    load_file,
    open_folder,
)
from keyturn.files.text import MAX_FILE_BYTES
from keyturn.model.diagnostic import DiagnosticError


@pytest.fixture
def root(tmp_path):
    """Return a root with two manifests, one of them in a nested folder."""
    folder = tmp_path / "root"
    (folder / "m/deep").mkdir(parents=True)
    (folder / "m/b.yaml").write_text("b: 1\n")
    (folder / "m/deep/a.yml").write_text("a: 1\n")
    (folder / "m/README.md").write_text("no manifest")
    (folder / "m/.hidden.yaml").write_text("no manifest")
    (folder / "m/.git").mkdir()
    (folder / "m/.git/x.yaml").write_text("no manifest")
    return folder


def diagnostics_of(files):
    """Return the codes and files of the diagnostics of a search."""
    return [(each.code, each.origin.file) for each in files.diagnostics]


def test_reads_manifests_sorted_by_name(root):
    """Both suffixes are read at all depths; other files and hidden files are ignored."""
    first, second = find_manifests(root, ["m"]).sources
    assert (first.relative, second.relative) == ("m/b.yaml", "m/deep/a.yml")
    assert first.data == b"b: 1\n"
    assert first.digest == hashlib.sha256(b"b: 1\n").hexdigest()
    assert first.root == root


def test_overlapping_folders_give_each_file_once(root):
    """A file below two of the folders is read once."""
    assert len(find_manifests(root, ["m", "m/deep", "./m"]).sources) == 2


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda path: path.symlink_to("/etc/hostname"), "x.yaml"),
        (lambda path: path.symlink_to("b.yaml"), "x.yaml"),
        (lambda path: path.symlink_to("nowhere"), "x.yaml"),
        (lambda path: path.symlink_to("/etc"), "x"),
        (lambda path: path.symlink_to("deep"), "x"),
        (os.mkfifo, "x.yaml"),
        (lambda path: path.mkdir(), "x.yaml"),
    ],
)
def test_reads_only_regular_files(root, make, name):
    """Symlinks, pipes and folders give a diagnostic; the other files are read."""
    make(root / "m" / name)
    files = find_manifests(root, ["m"])
    assert diagnostics_of(files) == [("KT120", f"m/{name}")]
    assert [source.relative for source in files.sources] == ["m/b.yaml", "m/deep/a.yml"]


def test_rejects_a_symlinked_folder(root, tmp_path):
    """Neither the folder of the manifests nor its parents may be symlinks."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/c.yaml").write_text("c: 1\n")
    (root / "link").symlink_to(tmp_path / "outside")
    assert diagnostics_of(find_manifests(root, ["link"])) == [("KT120", "link")]
    (tmp_path / "outside/m").mkdir()
    assert diagnostics_of(find_manifests(root, ["link/m"])) == [("KT120", "link/m")]
    with pytest.raises(DiagnosticError):
        load_file(root, "link/c.yaml")


@pytest.mark.parametrize("folder", ["..", "../root/m", "m/../../x", "/etc"])
def test_does_not_leave_the_root(root, folder):
    """Paths with ``..`` and absolute paths are rejected."""
    assert diagnostics_of(find_manifests(root, [folder])) == [("KT121", folder)]


def test_reports_empty_and_missing_folders(root):
    """An empty folder does not silently mean that all resources are retired."""
    (root / "empty").mkdir()
    assert diagnostics_of(find_manifests(root, ["empty"])) == [("KT123", "empty")]
    assert diagnostics_of(find_manifests(root, ["missing"])) == [("KT123", "missing")]
    assert len(find_manifests(root, ["empty", "missing"]).diagnostics) == 2


def test_names_that_differ_only_in_case_clash(root):
    """Names that differ only in Unicode form clash, too."""
    (root / "m/B.yaml").write_text("b: 1\n")
    assert diagnostics_of(find_manifests(root, ["m"])) == [("KT122", "m/b.yaml")]
    assert [finding.origin.file for finding in find_name_clashes(["é.yaml", "e\u0301.yaml", "x.yaml"])] == [
        "e\u0301.yaml"
    ]


def test_rejects_large_files(root):
    """The limit of 1 MiB is inclusive."""
    (root / "m/large.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    (root / "m/full.yaml").write_bytes(b"#" * MAX_FILE_BYTES)
    files = find_manifests(root, ["m"])
    assert diagnostics_of(files) == [("KT104", "m/large.yaml")]
    assert "m/full.yaml" in [source.relative for source in files.sources]


def test_an_endless_device_is_not_read():
    """A device is not a regular file."""
    with pytest.raises(DiagnosticError) as caught:
        load_file(Path("/"), "dev/zero")
    assert caught.value.diagnostics[0].code == "KT120"


def test_limits_the_depth_of_folders(root):
    """A chain of folders beyond the limit gives a diagnostic."""
    tower = root.joinpath("m", *["d"] * (MAX_FOLDER_DEPTH + 5))
    tower.mkdir(parents=True)
    assert diagnostics_of(find_manifests(root, ["m"])) == [
        ("KT114", "/".join(["m", *["d"] * MAX_FOLDER_DEPTH]))
    ]


def test_reports_unreadable_files():
    """A read error of the operating system becomes a diagnostic; address 0 of a process is unreadable."""
    with pytest.raises(DiagnosticError) as caught:
        load_file(Path("/proc"), f"{os.getpid()}/mem")
    assert caught.value.diagnostics[0].code == "KT124"


def test_reads_no_file_outside_of_the_root_during_a_swap(root, tmp_path):
    """A file that a symlink replaces concurrently is read from below the root or not at all."""
    secret = tmp_path / "secret"
    secret.write_text("stolen: 1\n")
    target, other = root / "m/b.yaml", root / "m/swap"
    over = threading.Event()

    def swap():
        while not over.is_set():
            other.symlink_to(secret)
            other.replace(target)
            other.write_text("b: 1\n")
            other.replace(target)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = {source.data for _ in range(300) for source in find_manifests(root, ["m"]).sources}
    finally:
        over.set()
        thread.join()
    assert b"stolen: 1\n" not in seen
    assert b"b: 1\n" in seen


def test_reports_a_missing_file(root):
    """A file that does not exist gives a diagnostic for its path."""
    with pytest.raises(DiagnosticError) as caught:
        load_file(root, "m/gone.yaml")
    assert diagnostics_of(caught.value) == [("KT123", "m/gone.yaml")]


def test_the_root_may_be_reached_through_a_symlink(root, tmp_path):
    """Only the path from the root to the file must be free of symlinks."""
    (tmp_path / "link").symlink_to(root)
    assert load_file(tmp_path / "link", "m/b.yaml").data == b"b: 1\n"


def test_diagnostics_contain_nothing_of_a_file(root, canary):
    """Neither the content nor the target of a symlink is shown."""
    secret = canary.allow(root.parent / "secret", "what a symlink leads to")
    secret.write_text(canary())
    (root / "m/x.yaml").symlink_to(secret)
    canary.record("findings", repr(find_manifests(root, ["m"]).diagnostics))


def test_opens_and_creates_folders(root):
    """Missing folders are created only on request."""
    with pytest.raises(DiagnosticError):
        open_folder(root, "new/folder")
    os.close(open_folder(root, "new/folder", make=True))
    assert (root / "new/folder").is_dir()


def test_a_search_with_only_opens_no_other_file(tmp_path):
    """The names of the other files are still checked for clashes."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name in ("a.yaml", "b.yaml", "B.yaml"):
        (folder / name).write_text("x: 1\n")
    files = find_manifests(tmp_path, ["manifests"], ["manifests/a.yaml"])
    assert [source.relative for source in files.sources] == ["manifests/a.yaml"]
    assert files.skipped_names == ("manifests/B.yaml", "manifests/b.yaml")
    assert [each.code for each in files.diagnostics] == ["KT122"]
