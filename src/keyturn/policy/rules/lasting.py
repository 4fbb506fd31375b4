"""Lasting: keys that live until somebody deletes them, where there are ones that do not."""

import re
from collections.abc import Iterator

from keyturn.core.diagnostic import Cause, Severity
from keyturn.core.fields import Path
from keyturn.policy.fleet import Fleet
from keyturn.policy.pattern import Pattern
from keyturn.policy.rule import Found, on_fleet, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import HOSTS, say

_ACCOUNT_KEYS: tuple[Path, ...] = (("account_key",), ("storage_key",), ("connection_string",))
_MANAGED = (".rds.amazonaws.com", ".redshift.amazonaws.com", ".redshift-serverless.amazonaws.com")
_AUTH = frozenset({"auth", "authmode", "authtype", "authentication", "authenticationtype"})
_PERSON = Pattern(r"^[a-z]+[._][a-z]+@", re.IGNORECASE)
_SERVICE = Pattern(
    r"svc|serv|integr|api|bot|etl|elt|pipe|planasonix|data|sync|app|auto|system|admin|shared|load|report|team",
    re.IGNORECASE,
)
_ACCOUNTS = frozenset({"username", "user", "email", "principal", "subject"})


def aws_key(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find static access keys of AWS."""
    # A session token makes it a key of hours, not of years.
    static = {("secret_access_key",), ("session_token",)}.intersection(subject.secret_paths)
    if subject.type == "aws" and static == {("secret_access_key",)}:
        yield _lasting(subject, ("secret_access_key",), "a static access key is used, not a role")


def gcp_key(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find keys of service accounts of Google Cloud."""
    if subject.type == "gcp" and ("service_account_json",) in subject.secret_paths:
        message = "a service account's key is used, not workload identity"
        yield _lasting(subject, ("service_account_json",), message)


def azure_key(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find keys of storage accounts of Azure."""
    for path in _ACCOUNT_KEYS if subject.type == "azure" else ():
        if path in subject.secret_paths:
            message = f"the {path[0]} opens the whole storage account"
            yield _lasting(subject, path, message)


def database_password(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find passwords for databases that accept IAM authentication."""
    for use in fleet.uses:
        if use.used.type != "database" or ("password",) not in use.used.secret_paths:
            continue
        stated = (leaf for one in (use.user, use.used) for _, leaf in one.named(HOSTS))
        if any(isinstance(leaf, str) and leaf.lower().rstrip(".").endswith(_MANAGED) for leaf in stated):
            message = "the database accepts IAM authentication, and is opened with a password"
            yield Found(subject=use.user, path=use.path, message=message)


def personal_consent(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find connections to Salesforce that rest on a person's consent."""
    if subject.type != "salesforce" or subject.address.kind != "connection":
        return
    modes = [(path, fold(leaf)) for path, leaf in subject.named(_AUTH) if isinstance(leaf, str)]
    if not any("jwt" in mode or "mtls" in mode for _, mode in modes):
        path = modes[0][0] if modes else ("type",)
        yield Found(
            subject=subject, path=path, message="the connection rests on a person's consent, not on JWT"
        )


def personal_account(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find accounts that look like those of a person."""
    for path, leaf in subject.named(_ACCOUNTS):
        if isinstance(leaf, str) and _PERSON.search(leaf) and not _SERVICE.search(leaf.partition("@")[0]):
            yield Found(
                subject=subject, path=path, message=f"the {say(path)} looks like a person's own account"
            )


def _lasting(subject: Subject, path: Path, message: str) -> Found:
    return Found(subject=subject, path=("secrets", *path), message=message, key=True)


RULES = (
    on_manifest("KT330", Severity.WARNING, aws_key, cause=Cause.LONG_LIVED_KEY),
    on_manifest("KT331", Severity.WARNING, gcp_key, cause=Cause.LONG_LIVED_KEY),
    on_manifest("KT332", Severity.WARNING, azure_key, cause=Cause.LONG_LIVED_KEY),
    on_fleet("KT333", Severity.NOTE, database_password, cause=Cause.STATIC_DATABASE_LOGIN),
    on_manifest("KT334", Severity.NOTE, personal_consent),
    on_manifest("KT335", Severity.NOTE, personal_account),
)
