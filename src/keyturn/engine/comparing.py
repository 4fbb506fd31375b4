"""The tree compared with a base revision: what is wanted, who may read it, what guards it."""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.inputs import Inputs
from keyturn.engine.access import review, settings
from keyturn.engine.offline import against
from keyturn.load.access import Readers, readers
from keyturn.load.desired import Loaded, load_at
from keyturn.load.files import Source, load_file, survey
from keyturn.load.project import Project, Workspace, project_from
from keyturn.load.revision import Revision, head

RULES = ".sops.yaml"


class Compared(Struct, frozen=True):
    """Both sides of a comparison with a base, and the review of who gained or lost access."""

    commit: str
    sides: Inputs
    access: tuple[Diagnostic, ...]


def base_of(project: Project, name: str, environment: Mapping[str, str]) -> Revision:
    """Return the revision ``name``, or where this branch left the default one; raises Faulty KT007."""
    if name:
        return Revision(project.root, name, environment)
    return Revision.fork_point(project.root, environment)


def compare(project: Project, workspace: Workspace, loaded: Loaded, base: Revision) -> Compared:
    """Compare what was loaded with what the base holds; nothing is decrypted."""
    then = load_at(project, workspace, base)
    before = readers(base.survey(workspace.manifests).sources)
    after = readers(survey(project.root, workspace.manifests).sources)
    access = (*review(before, after), *_settings(project, base))
    anew = frozenset(file for file, now in after.items() if file in before and _anew(before[file], now))
    return Compared(base.commit, against(then.desired, loaded.desired, anew), access)


def reviewed(
    project: Project, workspace: Workspace, name: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return who gained or lost access since the revision ``name``, or since this branch began.

    A note (KT485) where git knows no base and none was named, nothing outside git; raises Faulty
    KT007 for a name that git does not know. Only files that differ are looked into.
    """
    if not name and not head(project.root, environment):
        return ()
    try:
        base = base_of(project, name, environment)
    except Faulty as faulty:
        if name:
            raise
        return (_unreviewed(faulty.findings[0]),)
    then = {each.relative: each for each in base.survey(workspace.manifests).sources}
    now = {each.relative: each for each in survey(project.root, workspace.manifests).sources}
    moved = [file for file, each in now.items() if file not in then or then[file].digest != each.digest]
    # Who is new to a file that is new can be told only from all files that were there before.
    needed = then if any(file not in then for file in moved) else [file for file in moved if file in then]
    before = readers(then[file] for file in needed)
    return (*review(before, readers(now[file] for file in moved)), *_settings(project, base))


def reviewed_since(
    project: Project, workspace: Workspace, commit: str, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return who gained or lost access since a commit; a note (KT485) where git no longer has it."""
    try:
        return reviewed(project, workspace, commit, environment)
    except Faulty as faulty:
        return (_unreviewed(faulty.findings[0]),)


def _unreviewed(why: Diagnostic) -> Diagnostic:
    message = f"who gained or lost access was not looked at: {why.message}"
    return replace(why, code="KT485", severity=Severity.NOTE, message=message)


def _settings(project: Project, base: Revision) -> tuple[Diagnostic, ...]:
    return settings(_project_at(project, base), project, rules_changed=_rules_changed(project, base))


def _anew(before: Readers, now: Readers) -> bool:
    return not now.steady(before) and not set(before.wrapped.items()) & set(now.wrapped.items())


def _project_at(project: Project, base: Revision) -> Project | None:
    try:
        return project_from(base.read("keyturn.yaml").data, project.root)
    except Faulty:
        return None


def _rules_changed(project: Project, base: Revision) -> bool:
    return _content(base.read) != _content(partial(load_file, project.root))


def _content(read: Callable[[str], Source]) -> bytes:
    try:
        return read(RULES).data
    except Faulty:
        return b""
