"""How old the secrets are: by the ledger where it says so, else by git's history of the ciphertext."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from msgspec import Struct, field

from keyturn.core.fields import FieldPath
from keyturn.core.inputs import PlanInputs
from keyturn.core.resource import EMPTY
from keyturn.load.project import Project
from keyturn.policy.rules.ageing import effective_max_age
from keyturn.policy.subject import ResourceView


class SecretAges(Struct, frozen=True, kw_only=True):
    """When secrets last changed, as a ``Context`` takes it, and why some of it is not known."""

    today: date
    rotated: Mapping[str, Mapping[FieldPath, date]] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    history_error: str = ""


def rotation_dates_from_state(inputs: PlanInputs) -> Mapping[str, Mapping[FieldPath, date]]:
    """Return the days of rotation that the ledger knows, by the file of the manifest."""
    files = {address: each.origin.file for address, each in inputs.desired.items()}
    return {
        files[known.address]: {(): date.fromisoformat(known.rotated_at[:10])}
        for known in inputs.entries.values()
        if known.rotated_at and known.address in files
    }


def secret_ages(
    project: Project,
    subjects: Iterable[ResourceView],
    known_dates: Mapping[str, Mapping[FieldPath, date]],
    today: date,
    environment: Mapping[str, str],
) -> SecretAges:
    """Return the ages of all secrets that a rule asks about; git is run only for what ``told`` lacks."""
    asking = {one.file: one for one in subjects if one.file not in known_dates and one.ciphertext_digests}
    most = {file: effective_max_age(one, project.policy) for file, one in asking.items()}
    unknown = {file: one for file, one in asking.items() if most[file]}
    if not unknown:
        return SecretAges(today=today, rotated=known_dates)
    # Most runs ask git for nothing: a hook sees single files, and a ledger knows the rest.
    from keyturn.load.history import HistoryQuery, secret_dates  # noqa: PLC0415

    question = HistoryQuery(
        root=project.root,
        folders=tuple(folder for each in project.workspaces.values() for folder in each.manifests),
        ciphertext_digests={file: frozenset(one.ciphertext_digests.values()) for file, one in unknown.items()},
        today=today,
        expected_since=today - timedelta(max(most.values())),
    )
    found = secret_dates(question, environment)
    dated = {file: _date_fields(one, found.dates) for file, one in unknown.items()}
    return SecretAges(today=today, rotated={**dated, **known_dates}, shallow=found.shallow, history_error=found.error)


def _date_fields(subject: ResourceView, days: Mapping[str, date]) -> Mapping[FieldPath, date]:
    found = {path: days[cipher] for path, cipher in subject.ciphertext_digests.items() if cipher in days}
    one_day = len(found) == len(subject.ciphertext_digests) and len(set(found.values())) == 1
    return {(): next(iter(found.values()))} if one_day else found
