"""The doing of validate: which files, what was found, how it is told."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.engine.checking import Checked, check
from keyturn.load.excerpts import texts
from keyturn.load.project import find_root, read_project
from keyturn.render.findings import (
    Findings,
    findings_concise,
    findings_json,
    findings_markdown,
    findings_text,
)
from keyturn.render.style import Style


@dataclass(frozen=True, slots=True)
class Examined:
    """What was checked and where the project is."""

    root: Path
    checked: Checked

    def fails(self, *, strict: bool) -> bool:
        """Whether what was found is grave enough to fail."""
        worst = self.checked.worst
        return worst is not None and worst <= (Severity.WARNING if strict else Severity.ERROR)


def examine(folder: Path, workspace: str, paths: tuple[Path, ...]) -> Examined:
    """Check the project around ``folder``, or those of its files that are named; raises Faulty."""
    root = find_root(folder)
    project = read_project(root)
    workspaces = (project.workspace(workspace),) if workspace else tuple(project.workspaces.values())
    only = tuple(_below(root, folder / path) for path in paths)
    return Examined(root, check(project, workspaces, only, datetime.now(UTC).date()))


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
    people: Mapping[str, Callable[[Findings], str]] = {
        "text": lambda found: findings_text(found, style),
        "concise": lambda found: findings_concise(found, style),
        "json": findings_json,
        "markdown": findings_markdown,
    }
    return (people.get(form) or _for_programs(form))(findings).rstrip("\n")


def _for_programs(form: str) -> Callable[[Findings], str]:
    # XML's escaping comes with half of the network's modules, which a pre-commit hook need not wait for.
    from keyturn.render.annotations import github, gitlab, junit, sarif

    return {"github": github, "gitlab": gitlab, "sarif": sarif, "junit": junit}[form]
