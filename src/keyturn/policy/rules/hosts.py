"""Reach: which host is meant, in which part of the world, and whether anybody uses it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_index, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import HOST_FIELDS, safe_field_name

_SNOWFLAKE_DOMAIN = ".snowflakecomputing."
_SNOWFLAKE_ACCOUNT_FIELDS = frozenset({"account"})
_REGION_FIELDS = frozenset({"region", "location", "bucket"})
_URL_CHARACTERS = frozenset("/:@?#[")
_TOP_LEVEL_DEPTH = len(("config", "host"))
_CONTINENTS = {
    "eu": ("eu-", "eu_", "europe", "westeurope", "northeurope", "france", "germany", "sweden"),
    "us": (
        "us-",
        "us_",
        "eastus",
        "westus",
        "centralus",
        "northcentralus",
        "southcentralus",
        "westcentralus",
    ),
    "ap": ("ap-", "asia", "australia", "eastasia", "southeastasia", "japan", "korea"),
}


def mismatched_host(fleet: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find connections whose host is not the one that their credential states."""
    for use in fleet.references:
        if use.path != ("credential",):
            continue
        ours, theirs = _hosts_of(use.source), _hosts_of(use.target)
        if (
            ours
            and theirs
            and not any(_is_same_host(one, other, use.source) for one in ours for other in theirs)
        ):
            message = f"the host is not the one that {use.target.address} states"
            yield Violation(resource=use.source, path=next(iter(ours.values())), message=message)


def unused_credential(fleet: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find credentials that nothing refers to; silent unless all manifests are at hand."""
    used = fleet.references_by_target()
    for subject in fleet.resources if fleet.complete else ():
        if subject.address.kind == "credential" and subject.file not in used:
            yield Violation(resource=subject, path=("name",), message="no manifest uses the credential")


def residency_mismatch(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find regions that are not where the label ``residency`` says, or more than one region or bucket."""
    promised = _continent_of(subject.labels.get("residency", ""))
    if not promised:
        return
    for path, leaf in subject.fields_named(_REGION_FIELDS):
        if isinstance(leaf, list) or (isinstance(leaf, str) and "," in leaf):
            message = f"{safe_field_name(path)} names several, beside a label residency"
            yield Violation(resource=subject, path=path, message=message)
        elif (
            normalize_name(path[-1]) != "bucket"
            and isinstance(leaf, str)
            and _continent_of(leaf) not in ("", promised)
        ):
            yield Violation(
                resource=subject, path=path, message="the region is not where the label residency says"
            )


def replica_on_primary(fleet: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find connections named for a replica that have the host of one that is not."""
    connections = [subject for subject in fleet.resources if subject.address.kind == "connection"]
    copies = {
        subject.file: subject for subject in connections if "replica" in normalize_name(subject.address.name)
    }
    if not copies:
        return
    others = [subject for subject in connections if subject.file not in copies]
    primaries = {host: subject for subject in others for host in _hosts_of(subject)}
    for subject in copies.values():
        for host, path in _hosts_of(subject).items():
            if host in primaries:
                message = f"the replica's host is that of {primaries[host].address}"
                yield Violation(resource=subject, path=path, message=message)


def _hosts_of(subject: ResourceView) -> dict[str, FieldPath]:
    names = HOST_FIELDS | _SNOWFLAKE_ACCOUNT_FIELDS if subject.type == "snowflake" else HOST_FIELDS
    found = (
        (path, leaf)
        for path, leaf in subject.config.items()
        if len(path) == _TOP_LEVEL_DEPTH and normalize_name(path[-1]) in names
    )
    return {_normalize_host(leaf): path for path, leaf in found if isinstance(leaf, str) and leaf}


def _normalize_host(host: str) -> str:
    if not _URL_CHARACTERS.intersection(host):
        return host.lower().rstrip(".").partition(_SNOWFLAKE_DOMAIN)[0]
    try:
        bare = urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        bare = host.lower()
    return bare.rstrip(".").partition(_SNOWFLAKE_DOMAIN)[0]


def _is_same_host(one: str, other: str, connection: ResourceView) -> bool:
    if one == other:
        return True
    # An account of Snowflake may be written with its region or without: xy12345.us-east-1.
    locator, region = sorted((one, other), key=len)
    return connection.type == "snowflake" and "." not in locator and region.startswith(locator + ".")


def _continent_of(region: str) -> str:
    folded = region.lower().replace(" ", "") + "-"
    return next((name for name, starts in _CONTINENTS.items() if folded.startswith(starts)), "")


RULES = (
    on_index("KT364", Severity.WARNING, mismatched_host),
    on_index("KT365", Severity.WARNING, unused_credential),
    on_manifest("KT367", Severity.WARNING, residency_mismatch),
    on_index("KT368", Severity.WARNING, replica_on_primary),
)
