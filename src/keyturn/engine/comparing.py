"""The tree compared with a base revision: what is wanted, who may read it, what guards it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.core.inputs import Inputs
from keyturn.core.resource import Desired
from keyturn.engine.access import review, settings, steady
from keyturn.engine.offline import against
from keyturn.load.access import Readers, readers
from keyturn.load.desired import Loaded, load_at
from keyturn.load.files import Source, load_file, survey
from keyturn.load.project import Project, Workspace, project_from
from keyturn.load.revision import Revision

RULES = ".sops.yaml"


@dataclass(frozen=True, slots=True)
class Compared:
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
    unchanged = steady(then.desired, loaded.desired)
    access = (
        *review(before, after, unchanged),
        *settings(_project_at(project, base), project, rules_changed=_rules_changed(project, base)),
    )
    anew = _anew(loaded.desired, unchanged, before, after)
    return Compared(base.commit, against(then.desired, loaded.desired, anew), access)


def _anew(
    desired: tuple[Desired, ...],
    unchanged: frozenset[str],
    before: Mapping[str, Readers],
    after: Mapping[str, Readers],
) -> frozenset[str]:
    return frozenset(
        file
        for file in (each.origin.file for each in desired if each.ciphers)
        if file in before and file in after and file not in unchanged
        if not set(before[file].wrapped.items()) & set(after[file].wrapped.items())
    )


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
