"""The text of files that findings point into."""

import os

from keyturn.files.discovery import read_excerpts
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity


def at(file, line):
    """Return a finding at a place."""
    return Diagnostic(
        code="KT131", severity=Severity.ERROR, message="m", origin=SourceLocation(file, line, 1)
    )


def test_only_files_with_a_place_are_read(tmp_path):
    """A finding about a whole file needs no line of it."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(name)
    assert read_excerpts(tmp_path, [at("a.yaml", 1), at("b.yaml", 0)]) == {"a.yaml": "a.yaml"}


def test_what_cannot_be_read_is_left_out(tmp_path):
    """A finding that is shown without its line is better than none."""
    (tmp_path / "ok.yaml").write_bytes(b"\xff: 1")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    names = ("ok.yaml", "folder.yaml", "pipe.yaml", "link.yaml", "nothing.yaml", "../outside.yaml")
    assert read_excerpts(tmp_path, [at(name, 1) for name in names]) == {"ok.yaml": "\ufffd: 1"}
