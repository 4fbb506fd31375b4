"""The text of files to which diagnostics point."""

import os

from keyturn.files.discovery import read_excerpts
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity


def at(file, line):
    """Return a diagnostic with a location."""
    return Diagnostic(
        code="KT131", severity=Severity.ERROR, message="m", origin=SourceLocation(file, line, 1)
    )


def test_reads_only_files_with_a_line(tmp_path):
    """A diagnostic about a whole file needs no excerpt."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(name)
    assert read_excerpts(tmp_path, [at("a.yaml", 1), at("b.yaml", 0)]) == {"a.yaml": "a.yaml"}


def test_omits_unreadable_files(tmp_path):
    """Diagnostics of an unreadable file are shown without an excerpt."""
    (tmp_path / "ok.yaml").write_bytes(b"\xff: 1")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    names = ("ok.yaml", "folder.yaml", "pipe.yaml", "link.yaml", "nothing.yaml", "../outside.yaml")
    assert read_excerpts(tmp_path, [at(name, 1) for name in names]) == {"ok.yaml": "\ufffd: 1"}
