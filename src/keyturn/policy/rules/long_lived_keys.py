"""Lasting: keys that live until somebody deletes them, where there are ones that do not."""

import re
from collections.abc import Iterator

from keyturn.model.diagnostic import Cause, Severity
from keyturn.model.fields import FieldPath
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_index, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import HOST_FIELDS, LazyPattern, safe_field_name

_ACCOUNT_KEYS: tuple[FieldPath, ...] = (("account_key",), ("storage_key",), ("connection_string",))
_MANAGED_DATABASE_SUFFIXES = (
    ".rds.amazonaws.com",
    ".redshift.amazonaws.com",
    ".redshift-serverless.amazonaws.com",
)
_AUTH_FIELDS = frozenset({"auth", "authmode", "authtype", "authentication", "authenticationtype"})
_PERSON_NAME = LazyPattern(r"^[a-z]+[._][a-z]+@", re.IGNORECASE)
_SERVICE_NAME = LazyPattern(
    r"svc|serv|integr|api|bot|etl|elt|pipe|planasonix|data|sync|app|auto|system|admin|shared|load|report|team",
    re.IGNORECASE,
)
_ACCOUNT_FIELDS = frozenset({"username", "user", "email", "principal", "subject"})


def static_aws_key(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find static access keys of AWS."""
    # A session token makes it a key of hours, not of years.
    static = {("secret_access_key",), ("session_token",)}.intersection(subject.secret_paths)
    if subject.type == "aws" and static == {("secret_access_key",)}:
        yield _long_lived_violation(
            subject, ("secret_access_key",), "a static access key is used, not a role"
        )


def static_gcp_key(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find keys of service accounts of Google Cloud."""
    if subject.type == "gcp" and ("service_account_json",) in subject.secret_paths:
        message = "a service account's key is used, not workload identity"
        yield _long_lived_violation(subject, ("service_account_json",), message)


def storage_account_key(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find keys of storage accounts of Azure."""
    for path in _ACCOUNT_KEYS if subject.type == "azure" else ():
        if path in subject.secret_paths:
            message = f"the {path[0]} opens the whole storage account"
            yield _long_lived_violation(subject, path, message)


def database_password(fleet: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find passwords for databases that accept IAM authentication."""
    for use in fleet.references:
        if use.target.type != "database" or ("password",) not in use.target.secret_paths:
            continue
        stated = (leaf for one in (use.source, use.target) for _, leaf in one.fields_named(HOST_FIELDS))
        if any(
            isinstance(leaf, str) and leaf.lower().rstrip(".").endswith(_MANAGED_DATABASE_SUFFIXES)
            for leaf in stated
        ):
            message = "the database accepts IAM authentication, and is opened with a password"
            yield Violation(resource=use.source, path=use.path, message=message)


def personal_consent(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find connections to Salesforce that rest on a person's consent."""
    if subject.type != "salesforce" or subject.address.kind != "connection":
        return
    modes = [
        (path, normalize_name(leaf))
        for path, leaf in subject.fields_named(_AUTH_FIELDS)
        if isinstance(leaf, str)
    ]
    if not any("jwt" in mode or "mtls" in mode for _, mode in modes):
        path = modes[0][0] if modes else ("type",)
        yield Violation(
            resource=subject, path=path, message="the connection rests on a person's consent, not on JWT"
        )


def personal_account(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find accounts that look like those of a person."""
    for path, leaf in subject.fields_named(_ACCOUNT_FIELDS):
        if (
            isinstance(leaf, str)
            and _PERSON_NAME.search(leaf)
            and not _SERVICE_NAME.search(leaf.partition("@")[0])
        ):
            yield Violation(
                resource=subject,
                path=path,
                message=f"the {safe_field_name(path)} looks like a person's own account",
            )


def _long_lived_violation(subject: ResourceView, path: FieldPath, message: str) -> Violation:
    return Violation(resource=subject, path=("secrets", *path), message=message, at_key=True)


RULES = (
    on_manifest("KT330", Severity.WARNING, static_aws_key, cause=Cause.LONG_LIVED_KEY),
    on_manifest("KT331", Severity.WARNING, static_gcp_key, cause=Cause.LONG_LIVED_KEY),
    on_manifest("KT332", Severity.WARNING, storage_account_key, cause=Cause.LONG_LIVED_KEY),
    on_index("KT333", Severity.NOTE, database_password, cause=Cause.STATIC_DATABASE_LOGIN),
    on_manifest("KT334", Severity.NOTE, personal_consent),
    on_manifest("KT335", Severity.NOTE, personal_account),
)
