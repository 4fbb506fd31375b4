"""Rules about long-lived keys where short-lived ones exist."""

import re
from collections.abc import Iterator

from keyturn.model.diagnostic import Cause, Severity
from keyturn.model.fields import FieldPath
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_index, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import HOST_FIELDS, LazyPattern, format_field_name

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


def find_static_aws_key(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find static AWS access keys."""
    # A key with a session token is temporary.
    static = {("secret_access_key",), ("session_token",)}.intersection(resource.secret_paths)
    if resource.type == "aws" and static == {("secret_access_key",)}:
        yield _long_lived_violation(
            resource, ("secret_access_key",), "a static access key is used instead of a role"
        )


def find_static_gcp_key(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find service account keys of Google Cloud."""
    if resource.type == "gcp" and ("service_account_json",) in resource.secret_paths:
        message = "a service account key is used instead of workload identity"
        yield _long_lived_violation(resource, ("service_account_json",), message)


def find_storage_account_key(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find storage account keys of Azure."""
    for path in _ACCOUNT_KEYS if resource.type == "azure" else ():
        if path in resource.secret_paths:
            message = f"the {path[0]} gives access to the whole storage account"
            yield _long_lived_violation(resource, path, message)


def find_database_password(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find passwords of databases that support IAM authentication."""
    for reference in index.references:
        if reference.target.type != "database" or ("password",) not in reference.target.secret_paths:
            continue
        ends = (reference.source, reference.target)
        hosts = (leaf for resource in ends for _, leaf in resource.find_fields(HOST_FIELDS))
        if any(
            isinstance(leaf, str) and leaf.lower().rstrip(".").endswith(_MANAGED_DATABASE_SUFFIXES)
            for leaf in hosts
        ):
            message = "the database supports IAM authentication, but the connection uses a password"
            yield Violation(resource=reference.source, path=reference.path, message=message)


def find_personal_consent(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find Salesforce connections that use the consent of a person."""
    if resource.type != "salesforce" or resource.address.kind != "connection":
        return
    modes = [
        (path, normalize_name(leaf))
        for path, leaf in resource.find_fields(_AUTH_FIELDS)
        if isinstance(leaf, str)
    ]
    if not any("jwt" in mode or "mtls" in mode for _, mode in modes):
        path = modes[0][0] if modes else ("type",)
        yield Violation(
            resource=resource, path=path, message="the connection uses the consent of a person instead of JWT"
        )


def find_personal_account(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find accounts that look personal."""
    for path, leaf in resource.find_fields(_ACCOUNT_FIELDS):
        if (
            isinstance(leaf, str)
            and _PERSON_NAME.search(leaf)
            and not _SERVICE_NAME.search(leaf.partition("@")[0])
        ):
            yield Violation(
                resource=resource,
                path=path,
                message=f"the {format_field_name(path)} looks like a personal account",
            )


def _long_lived_violation(resource: ResourceView, path: FieldPath, message: str) -> Violation:
    return Violation(resource=resource, path=("secrets", *path), message=message, at_key=True)


RULES = (
    on_manifest("KT330", Severity.WARNING, find_static_aws_key, cause=Cause.LONG_LIVED_KEY),
    on_manifest("KT331", Severity.WARNING, find_static_gcp_key, cause=Cause.LONG_LIVED_KEY),
    on_manifest("KT332", Severity.WARNING, find_storage_account_key, cause=Cause.LONG_LIVED_KEY),
    on_index("KT333", Severity.NOTE, find_database_password, cause=Cause.STATIC_DATABASE_LOGIN),
    on_manifest("KT334", Severity.NOTE, find_personal_consent),
    on_manifest("KT335", Severity.NOTE, find_personal_account),
)
