"""The text of files that findings point into, for frames around them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from keyturn.core.diagnostic import Diagnostic, DiagnosticError
from keyturn.load.files import load_file


def read_excerpts(root: Path, findings: Iterable[Diagnostic]) -> Mapping[str, str]:
    """Return the content of each file that a finding points into, as far as it can be read as text."""
    found: dict[str, str] = {}
    for file in {finding.origin.file for finding in findings if finding.origin.line}:
        try:
            found[file] = load_file(root, file).data.decode("utf-8", "replace")
        except (DiagnosticError, OSError):
            continue
    return found
