"""Privilege: roles and users that may do more than a pipeline needs."""

from collections.abc import Iterator

from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Leaf, Path
from keyturn.policy.pattern import Pattern
from keyturn.policy.rule import Found, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import affirmed, say

_FIELDS = frozenset(
    {"role", "roles", "rolearn", "rolechain", "databaserole", "username", "user", "scopes", "scope"}
)
_ANYWHERE = frozenset(
    {
        "accountadmin", "securityadmin", "sysadmin", "useradmin", "orgadmin", "sysdba", "sysoper",
        "superuser", "rds_superuser", "cloudsqlsuperuser", "azure_pg_admin", "db_owner", "db_securityadmin",
        "administratoraccess", "poweruseraccess", "iamfullaccess", "amazons3fullaccess",
    }
)  # fmt: skip
_EXACTLY = frozenset(
    {
        "root", "sa", "dbo", "sys", "system", "admin", "administrator", "postgres", "elastic", "dba",
        "owner", "editor", "roles/owner", "roles/editor", "full", "*",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)  # fmt: skip
WORDS = _ANYWHERE | _EXACTLY
"""The words that a finding may say, for they are ours."""

_PARTS = Pattern(r"[A-Za-z0-9_]+")
_SWITCHES = frozenset({"global", "published", "orgwide", "sharedwithorganization"})
_SHARES = frozenset({"sharing", "visibility", "sharedwith", "share"})
_EVERYONE = frozenset({"global", "organization", "organisation", "org", "everyone", "public", "all"})


def far_reaching(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find names of roles, users and scopes that stand for far-reaching rights."""
    for path, leaf in subject.named(_FIELDS):
        for item in _items(path, leaf):
            word = _word(item, settings.privileged)
            if word:
                yield Found(
                    subject=subject, path=path, message=f"{say(path)} has far-reaching rights: {word}"
                )


def shared_with_all(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find resources that the whole organization may use."""
    for path, leaf in subject.named(_SWITCHES):
        if affirmed(leaf):
            yield _shared(subject, path)
    for path, leaf in subject.named(_SHARES):
        if isinstance(leaf, str) and fold(leaf) in _EVERYONE:
            yield _shared(subject, path)
    if fold(subject.labels.get("sharing", "")) in _EVERYONE:
        yield _shared(subject, ("labels", "sharing"))


def _items(path: Path, leaf: Leaf) -> tuple[str, ...]:
    if isinstance(leaf, list):
        return tuple(item for item in leaf if isinstance(item, str))
    if not isinstance(leaf, str):
        return ()
    return tuple(leaf.split()) if fold(path[-1]).startswith("scope") else (leaf,)


def _word(text: str, more: tuple[str, ...]) -> str:
    folded = text.lower()
    if folded in _EXACTLY:
        return folded
    words = _PARTS.findall(folded)
    wanted = {word.lower() for word in more}
    return next((word for word in words if word in _ANYWHERE or word in wanted), "")


def _shared(subject: Subject, path: Path) -> Found:
    return Found(subject=subject, path=path, message=f"{say(path)} shares it with the whole organization")


RULES = (
    on_manifest("KT340", Severity.WARNING, far_reaching),
    on_manifest("KT341", Severity.WARNING, shared_with_all),
)
