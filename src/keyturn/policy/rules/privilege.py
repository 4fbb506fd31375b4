"""Rules about roles and users with more privileges than a pipeline needs, and about sharing."""

from collections.abc import Iterator

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath, Leaf
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import LazyPattern, format_field_name, parse_switch

_PRIVILEGE_FIELDS = frozenset(
    {"role", "roles", "rolearn", "rolechain", "databaserole", "username", "user", "scopes", "scope"}
)
_CONTAINED_WORDS = frozenset(
    {
        "accountadmin", "securityadmin", "sysadmin", "useradmin", "orgadmin", "sysdba", "sysoper",
        "superuser", "rds_superuser", "cloudsqlsuperuser", "azure_pg_admin", "db_owner", "db_securityadmin",
        "administratoraccess", "poweruseraccess", "iamfullaccess", "amazons3fullaccess",
    }
)  # fmt: skip
_EXACT_WORDS = frozenset(
    {
        "root", "sa", "dbo", "sys", "system", "admin", "administrator", "postgres", "elastic", "dba",
        "owner", "editor", "roles/owner", "roles/editor", "full", "*",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)  # fmt: skip
PRIVILEGE_WORDS = _CONTAINED_WORDS | _EXACT_WORDS
"""The words that a message may quote, because they come from this module and not from a manifest."""

_WORD_PATTERN = LazyPattern(r"[A-Za-z0-9_]+")
_SHARING_SWITCHES = frozenset({"global", "published", "orgwide", "sharedwithorganization"})
_SHARING_FIELDS = frozenset({"sharing", "visibility", "sharedwith", "share"})
_EVERYONE_WORDS = frozenset({"global", "organization", "organisation", "org", "everyone", "public", "all"})


def find_admin_role(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find roles, users and scopes with broad privileges."""
    for path, leaf in resource.find_fields(_PRIVILEGE_FIELDS):
        for item in _split_items(path, leaf):
            word = _privileged_word(item, settings.privileged)
            if word:
                yield Violation(
                    resource=resource,
                    path=path,
                    message=f"{format_field_name(path)} has broad privileges: {word}",
                )


def find_shared_with_all(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find resources that are shared with the whole organization."""
    for path, leaf in resource.find_fields(_SHARING_SWITCHES):
        if parse_switch(leaf):
            yield _shared_violation(resource, path)
    for path, leaf in resource.find_fields(_SHARING_FIELDS):
        if isinstance(leaf, str) and normalize_name(leaf) in _EVERYONE_WORDS:
            yield _shared_violation(resource, path)
    if normalize_name(resource.labels.get("sharing", "")) in _EVERYONE_WORDS:
        yield _shared_violation(resource, ("labels", "sharing"))


def _split_items(path: FieldPath, leaf: Leaf) -> tuple[str, ...]:
    if isinstance(leaf, list):
        return tuple(item for item in leaf if isinstance(item, str))
    if not isinstance(leaf, str):
        return ()
    return tuple(leaf.split()) if normalize_name(path[-1]).startswith("scope") else (leaf,)


def _privileged_word(text: str, more: tuple[str, ...]) -> str:
    folded = text.lower()
    if folded in _EXACT_WORDS:
        return folded
    words = _WORD_PATTERN.findall(folded)
    additional = {word.lower() for word in more}
    return next((word for word in words if word in _CONTAINED_WORDS or word in additional), "")


def _shared_violation(resource: ResourceView, path: FieldPath) -> Violation:
    return Violation(
        resource=resource,
        path=path,
        message=f"{format_field_name(path)} shares the resource with the whole organization",
    )


RULES = (
    on_manifest("KT340", Severity.WARNING, find_admin_role),
    on_manifest("KT341", Severity.WARNING, find_shared_with_all),
)
