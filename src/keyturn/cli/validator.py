"""The doing of validate: which files, what was found, how it is told."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from keyturn.cli.surroundings import environment
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.engine.checking import Checked, check
from keyturn.load.excerpts import texts
from keyturn.load.project import open_project
from keyturn.render.finding_forms import draw_findings
from keyturn.render.findings import Findings
from keyturn.render.style import Style


class Examined(Struct, frozen=True):
    """What was checked and where the project is."""

    root: Path
    checked: Checked

    def fails(self, *, strict: bool) -> bool:
        """Whether what was found is grave enough to fail."""
        worst = self.checked.worst
        return worst is not None and worst <= (Severity.WARNING if strict else Severity.ERROR)


def examine(folder: Path, workspace: str, paths: tuple[Path, ...]) -> Examined:
    """Check the project around ``folder``, or those of its files that are named; raises Faulty."""
    project = open_project(folder)
    workspaces = (project.workspace(workspace),) if workspace else tuple(project.workspaces.values())
    only = tuple(_below(project.root, folder / path) for path in paths)
    today = datetime.now(UTC).date()
    return Examined(project.root, check(project, workspaces, only, today, environment()))


def stopped(folder: Path, findings: tuple[Diagnostic, ...]) -> Examined:
    """Return what can be said where nothing could be checked: a project file that is wrong, or none."""
    return Examined(folder, Checked(findings, ()))


def _below(root: Path, path: Path) -> str:
    full = path.absolute()
    return str(full.relative_to(root)) if full.is_relative_to(root) else str(path)


def told(examined: Examined, form: str, colour: bool) -> str:
    """Return what was found in one of the forms, without a newline at its end."""
    checked = examined.checked
    shown = texts(examined.root, checked.findings) if form in {"text", "gitlab", "sarif"} else {}
    findings = Findings(found=checked.findings, files=checked.files, texts=shown)
    style = Style(colour, shutil.get_terminal_size().columns)
    return draw_findings(findings, form, style).rstrip("\n")
