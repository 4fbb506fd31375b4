"""How old the secrets are: by the ledger where it says so, else by git's history of the ciphertext."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from msgspec import Struct, field

from keyturn.core.fields import Path
from keyturn.core.inputs import Inputs
from keyturn.core.resource import EMPTY
from keyturn.load.project import Project
from keyturn.policy.rules.ageing import asked
from keyturn.policy.subject import Subject


class Ages(Struct, frozen=True, kw_only=True):
    """When secrets last changed, as a ``Context`` takes it, and why some of it is not known."""

    today: date
    rotated: Mapping[str, Mapping[Path, date]] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    lost: str = ""


def by_ledger(inputs: Inputs) -> Mapping[str, Mapping[Path, date]]:
    """Return the days of rotation that the ledger knows, by the file of the manifest."""
    files = {address: each.origin.file for address, each in inputs.desired.items()}
    return {
        files[known.address]: {(): date.fromisoformat(known.rotated_at[:10])}
        for known in inputs.known.values()
        if known.rotated_at and known.address in files
    }


def ages(
    project: Project,
    subjects: Iterable[Subject],
    told: Mapping[str, Mapping[Path, date]],
    today: date,
    environment: Mapping[str, str],
) -> Ages:
    """Return the ages of all secrets that a rule asks about; git is run only for what ``told`` lacks."""
    asking = {one.file: one for one in subjects if one.file not in told and one.ciphers}
    most = {file: asked(one, project.policy) for file, one in asking.items()}
    unknown = {file: one for file, one in asking.items() if most[file]}
    if not unknown:
        return Ages(today=today, rotated=told)
    # Most runs ask git for nothing: a hook sees single files, and a ledger knows the rest.
    from keyturn.load.history import Question, history  # noqa: PLC0415

    question = Question(
        root=project.root,
        folders=tuple(folder for each in project.workspaces.values() for folder in each.manifests),
        ciphers={file: frozenset(one.ciphers.values()) for file, one in unknown.items()},
        today=today,
        horizon=today - timedelta(max(most.values())),
    )
    found = history(question, environment)
    dated = {file: _dated(one, found.days) for file, one in unknown.items()}
    return Ages(today=today, rotated={**dated, **told}, shallow=found.shallow, lost=found.lost)


def _dated(subject: Subject, days: Mapping[str, date]) -> Mapping[Path, date]:
    found = {path: days[cipher] for path, cipher in subject.ciphers.items() if cipher in days}
    one_day = len(found) == len(subject.ciphers) and len(set(found.values())) == 1
    return {(): next(iter(found.values()))} if one_day else found
