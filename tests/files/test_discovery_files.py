"""Walking folders of manifests."""

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
    load_given_files,
    load_manifest_files,
    open_folder,
)
from keyturn.files.text import MAX_FILE_BYTES
from keyturn.model.diagnostic import DiagnosticError


@pytest.fixture
def root(tmp_path):
    """Return a root with two manifests, one of them in a folder of its own."""
    folder = tmp_path / "root"
    (folder / "m/deep").mkdir(parents=True)
    (folder / "m/b.yaml").write_text("b: 1\n")
    (folder / "m/deep/a.yml").write_text("a: 1\n")
    (folder / "m/README.md").write_text("no manifest")
    (folder / "m/.hidden.yaml").write_text("no manifest")
    (folder / "m/.git").mkdir()
    (folder / "m/.git/x.yaml").write_text("no manifest")
    return folder


def found(survey):
    """Return codes and places of findings."""
    return [(finding.code, finding.origin.file) for finding in survey.diagnostics]


def test_reads_manifests_sorted_by_name(root):
    """Both endings, all depths, each file with its digest; other files and hidden ones are passed over."""
    one, two = load_manifest_files(root, ["m"])
    assert (one.relative, two.relative) == ("m/b.yaml", "m/deep/a.yml")
    assert one.data == b"b: 1\n"
    assert one.digest == hashlib.sha256(b"b: 1\n").hexdigest()
    assert one.root == root


def test_overlapping_folders_give_each_file_once(root):
    """A file below two of the folders is read once."""
    assert len(load_manifest_files(root, ["m", "m/deep", "./m"])) == 2


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
def test_takes_regular_files_alone(root, make, name):
    """Symlinks, in and out of the root, pipes and folders are findings; the rest is read."""
    make(root / "m" / name)
    seen = find_manifests(root, ["m"])
    assert found(seen) == [("KT120", f"m/{name}")]
    assert [source.relative for source in seen.sources] == ["m/b.yaml", "m/deep/a.yml"]


def test_a_symlinked_folder_on_the_way_is_refused(root, tmp_path):
    """The folder that keyturn.yaml names, or one above it, may not be a symlink."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/c.yaml").write_text("c: 1\n")
    (root / "link").symlink_to(tmp_path / "outside")
    assert found(find_manifests(root, ["link"])) == [("KT120", "link")]
    (tmp_path / "outside/m").mkdir()
    assert found(find_manifests(root, ["link/m"])) == [("KT120", "link/m")]
    with pytest.raises(DiagnosticError):
        load_file(root, "link/c.yaml")


@pytest.mark.parametrize("folder", ["..", "../root/m", "m/../../x", "/etc"])
def test_does_not_leave_the_root(root, folder):
    """Neither upwards nor by an absolute path."""
    assert found(find_manifests(root, [folder])) == [("KT121", folder)]


def test_empty_and_missing_folders_are_findings(root):
    """`Retire everything` is never what an empty folder is taken to mean."""
    (root / "empty").mkdir()
    assert found(find_manifests(root, ["empty"])) == [("KT123", "empty")]
    assert found(find_manifests(root, ["missing"])) == [("KT123", "missing")]
    with pytest.raises(DiagnosticError) as caught:
        load_manifest_files(root, ["empty", "missing"])
    assert len(caught.value.diagnostics) == 2


def test_names_that_differ_in_case_alone_clash(root):
    """On some disks they are one file; the same letters in another Unicode form are as well."""
    (root / "m/B.yaml").write_text("b: 1\n")
    assert found(find_manifests(root, ["m"])) == [("KT122", "m/b.yaml")]
    assert [finding.origin.file for finding in find_name_clashes(["é.yaml", "e\u0301.yaml", "x.yaml"])] == [
        "e\u0301.yaml"
    ]


def test_large_files_are_not_read_to_their_end(root):
    """Up to 1 MiB is read, and not a byte more is kept."""
    (root / "m/large.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    (root / "m/full.yaml").write_bytes(b"#" * MAX_FILE_BYTES)
    seen = find_manifests(root, ["m"])
    assert found(seen) == [("KT104", "m/large.yaml")]
    assert "m/full.yaml" in [source.relative for source in seen.sources]


def test_an_endless_device_is_not_read():
    """A device is no regular file, by whatever name it goes."""
    with pytest.raises(DiagnosticError) as caught:
        load_file(Path("/"), "dev/zero")
    assert caught.value.diagnostics[0].code == "KT120"


def test_folders_do_not_nest_for_ever(root):
    """A tower of folders ends in a finding."""
    tower = root.joinpath("m", *["d"] * (MAX_FOLDER_DEPTH + 5))
    tower.mkdir(parents=True)
    assert found(find_manifests(root, ["m"])) == [("KT114", "/".join(["m", *["d"] * MAX_FOLDER_DEPTH]))]


def test_what_cannot_be_read_is_a_finding():
    """The operating system's refusal is said without its words; a process's memory has nothing at 0."""
    with pytest.raises(DiagnosticError) as caught:
        load_file(Path("/proc"), f"{os.getpid()}/mem")
    assert caught.value.diagnostics[0].code == "KT124"


def test_a_file_swapped_for_a_symlink_gives_no_foreign_byte(root, tmp_path):
    """However often the two change places, what is read was below the root."""
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


def test_reads_given_files_and_folders(root, monkeypatch):
    """What pre-commit names is read, relative to wherever it was run."""
    monkeypatch.chdir(root / "m")
    assert [source.relative for source in load_given_files(root, [Path("b.yaml"), Path("deep")]).sources] == [
        "m/b.yaml",
        "m/deep/a.yml",
    ]
    assert found(load_given_files(root, [Path("/etc/hostname")]))[0][0] == "KT121"
    assert found(load_given_files(root, [Path("gone.yaml")])) == [("KT123", "m/gone.yaml")]
    (root / "m/x.yaml").symlink_to("b.yaml")
    assert found(load_given_files(root, [Path("x.yaml")])) == [("KT120", "m/x.yaml")]


def test_a_given_folder_may_be_reached_through_a_link_above_the_root(root, tmp_path):
    """Only what lies between the root and the file must be real."""
    (tmp_path / "link").symlink_to(root)
    assert [source.relative for source in load_given_files(root, [tmp_path / "link/m/b.yaml"]).sources] == [
        "m/b.yaml"
    ]


def test_findings_hold_nothing_of_a_file(root, canary):
    """Whatever a symlink leads to, its content and its target stay unseen."""
    secret = canary.allow(root.parent / "secret", "what a symlink leads to")
    secret.write_text(canary())
    (root / "m/x.yaml").symlink_to(secret)
    canary.also("findings", repr(find_manifests(root, ["m"]).diagnostics))


def test_opens_folders_and_makes_them_where_asked(root):
    """A handle of a folder, made on the way if need be."""
    with pytest.raises(DiagnosticError):
        open_folder(root, "new/folder")
    os.close(open_folder(root, "new/folder", make=True))
    assert (root / "new/folder").is_dir()


def test_a_survey_of_some_files_opens_no_other(tmp_path):
    """A hook on one file does not read the repository; the other names are known all the same."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name in ("a.yaml", "b.yaml", "B.yaml"):
        (folder / name).write_text("x: 1\n")
    found = find_manifests(tmp_path, ["manifests"], ["manifests/a.yaml"])
    assert [source.relative for source in found.sources] == ["manifests/a.yaml"]
    assert found.skipped_names == ("manifests/B.yaml", "manifests/b.yaml")
    assert [finding.code for finding in found.diagnostics] == ["KT122"]
