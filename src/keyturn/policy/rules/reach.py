"""Reach: which host is meant, in which part of the world, and whether anybody uses it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Path
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Found, on_fleet, on_manifest
from keyturn.policy.settings import Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import HOSTS, say

_SNOWFLAKE = ".snowflakecomputing."
_ACCOUNT = frozenset({"account"})
_PLACES = frozenset({"region", "location", "bucket"})
_MARKS = frozenset("/:@?#[")
_TOP = len(("config", "host"))
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


def hosts_agree(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find connections whose host is not the one that their credential states."""
    for use in fleet.uses:
        if use.path != ("credential",):
            continue
        ours, theirs = _hosts(use.user), _hosts(use.used)
        if ours and theirs and not any(_agree(one, other, use.user) for one in ours for other in theirs):
            message = f"the host is not the one that {use.used.address} states"
            yield Found(subject=use.user, path=next(iter(ours.values())), message=message)


def unused(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find credentials that nothing refers to; silent unless all manifests are at hand."""
    used = fleet.users()
    for subject in fleet.subjects if fleet.whole else ():
        if subject.address.kind == "credential" and subject.file not in used:
            yield Found(subject=subject, path=("name",), message="no manifest uses the credential")


def residency(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find regions that are not where the label ``residency`` says, or more than one region or bucket."""
    promised = _continent(subject.labels.get("residency", ""))
    if not promised:
        return
    for path, leaf in subject.named(_PLACES):
        if isinstance(leaf, list) or (isinstance(leaf, str) and "," in leaf):
            message = f"{say(path)} names several, beside a label residency"
            yield Found(subject=subject, path=path, message=message)
        elif fold(path[-1]) != "bucket" and isinstance(leaf, str) and _continent(leaf) not in ("", promised):
            yield Found(
                subject=subject, path=path, message="the region is not where the label residency says"
            )


def replicas(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find connections named for a replica that have the host of one that is not."""
    connections = [subject for subject in fleet.subjects if subject.address.kind == "connection"]
    copies = {subject.file: subject for subject in connections if "replica" in fold(subject.address.name)}
    if not copies:
        return
    others = [subject for subject in connections if subject.file not in copies]
    primaries = {host: subject for subject in others for host in _hosts(subject)}
    for subject in copies.values():
        for host, path in _hosts(subject).items():
            if host in primaries:
                message = f"the replica's host is that of {primaries[host].address}"
                yield Found(subject=subject, path=path, message=message)


def _hosts(subject: Subject) -> dict[str, Path]:
    names = HOSTS | _ACCOUNT if subject.type == "snowflake" else HOSTS
    found = (
        (path, leaf) for path, leaf in subject.config.items() if len(path) == _TOP and fold(path[-1]) in names
    )
    return {_bare(leaf): path for path, leaf in found if isinstance(leaf, str) and leaf}


def _bare(host: str) -> str:
    if not _MARKS.intersection(host):
        return host.lower().rstrip(".").partition(_SNOWFLAKE)[0]
    try:
        bare = urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        bare = host.lower()
    return bare.rstrip(".").partition(_SNOWFLAKE)[0]


def _agree(one: str, other: str, connection: Subject) -> bool:
    if one == other:
        return True
    # An account of Snowflake may be written with its region or without: xy12345.us-east-1.
    locator, region = sorted((one, other), key=len)
    return connection.type == "snowflake" and "." not in locator and region.startswith(locator + ".")


def _continent(region: str) -> str:
    folded = region.lower().replace(" ", "") + "-"
    return next((name for name, starts in _CONTINENTS.items() if folded.startswith(starts)), "")


RULES = (
    on_fleet("KT364", Severity.WARNING, hosts_agree),
    on_fleet("KT365", Severity.WARNING, unused),
    on_manifest("KT367", Severity.WARNING, residency),
    on_fleet("KT368", Severity.WARNING, replicas),
)
