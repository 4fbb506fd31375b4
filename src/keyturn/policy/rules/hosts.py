"""Rules about hosts, regions, replicas and unused credentials."""

import ipaddress
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_index, on_manifest
from keyturn.policy.settings import PolicySettings
from keyturn.policy.text_matching import HOST_FIELDS, LazyPattern, format_field_name

_SNOWFLAKE_DOMAIN = ".snowflakecomputing."
_SNOWFLAKE_ACCOUNT_FIELDS = frozenset({"account"})
_REGION_FIELDS = frozenset({"region", "location", "bucket"})
_URL_CHARACTERS = frozenset("/:@?#[")
_TOP_LEVEL_DEPTH = len(("config", "host"))
_PORT = LazyPattern(r":\d{1,5}$")
_INSTANCE = LazyPattern(r"[\w$#-]{1,128}")
_LABEL = LazyPattern(r"[^\W_]|[\w][\w-]{0,61}\w")
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


def find_mismatched_host(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find connections whose host differs from the host of their credential."""
    for reference in index.references:
        if reference.path != ("credential",):
            continue
        ours, theirs = _hosts_of(reference.source), _hosts_of(reference.target)
        if (
            ours
            and theirs
            and not any(_is_same_host(one, other, reference.source) for one in ours for other in theirs)
        ):
            message = f"the host differs from that of {reference.target.address}"
            yield Violation(resource=reference.source, path=next(iter(ours.values())), message=message)


def find_invalid_host(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find hosts that no resolver accepts: placeholders, blanks, empty labels, mixed scripts, a port."""
    for path, leaf in resource.find_fields(HOST_FIELDS):
        if normalize_name(path[-1]) in HOST_FIELDS and isinstance(leaf, str) and leaf:
            problem = _find_host_problem(leaf)
            if problem:
                message = f"{format_field_name(path)} {problem}"
                yield Violation(resource=resource, path=path, message=message)


def find_unused_credential(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find credentials without a reference; checks only a complete index."""
    targets = index.group_references_by_target()
    for resource in index.resources if index.complete else ():
        if resource.address.kind == "credential" and resource.file not in targets:
            yield Violation(resource=resource, path=("name",), message="no manifest uses the credential")


def find_residency_mismatch(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find regions outside the label ``residency``, and fields with several regions or buckets."""
    residency = _continent_of(resource.labels.get("residency", ""))
    if not residency:
        return
    for path, leaf in resource.find_fields(_REGION_FIELDS):
        if isinstance(leaf, list) or (isinstance(leaf, str) and "," in leaf):
            message = f"{format_field_name(path)} has several values; the label residency allows one region"
            yield Violation(resource=resource, path=path, message=message)
        elif (
            normalize_name(path[-1]) != "bucket"
            and isinstance(leaf, str)
            and _continent_of(leaf) not in ("", residency)
        ):
            yield Violation(
                resource=resource, path=path, message="the region does not match the label residency"
            )


def find_replica_on_primary(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find replica connections with the host of a primary."""
    connections = [resource for resource in index.resources if resource.address.kind == "connection"]
    replicas = {
        resource.file: resource
        for resource in connections
        if "replica" in normalize_name(resource.address.name)
    }
    if not replicas:
        return
    others = [resource for resource in connections if resource.file not in replicas]
    primaries = {host: resource for resource in others for host in _hosts_of(resource)}
    for resource in replicas.values():
        for host, path in _hosts_of(resource).items():
            if host in primaries:
                message = f"the host of the replica is that of {primaries[host].address}"
                yield Violation(resource=resource, path=path, message=message)


def _hosts_of(resource: ResourceView) -> dict[str, FieldPath]:
    names = HOST_FIELDS | _SNOWFLAKE_ACCOUNT_FIELDS if resource.type == "snowflake" else HOST_FIELDS
    found = (
        (path, leaf)
        for path, leaf in resource.config.items()
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


def _find_host_problem(text: str) -> str:
    if "//" in text:
        # The rule about plain fields with passwords reads the rest of a URL.
        text = text.partition("//")[2].partition("/")[0].rpartition("@")[2]
    elif "," not in text and _strip_port(text) != text:
        return "contains a port; write it into the field port"
    if text.startswith("/"):  # the folder of a Unix socket
        return ""
    hosts = [_strip_port(part.strip()) for part in text.split(",")]
    return "" if all(map(_is_host, hosts)) else "is not a host name or an IP address"


def _strip_port(text: str) -> str:
    # The colons of an IPv6 address without brackets are no port.
    has_port = _PORT.search(text) and (text.count(":") == 1 or "]:" in text)
    return text.rpartition(":")[0] if has_port else text


def _is_host(text: str) -> bool:
    name, _, instance = text.partition("\\")  # SQL Server: host\instance
    if instance and not _INSTANCE.fullmatch(instance):
        return False
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return all(map(_is_label, name.removesuffix(".").replace(":", ".").split(".")))
    return True


def _is_label(text: str) -> bool:
    # A letter of another script can look like one of Latin.
    scripts = {unicodedata.name(each, "").partition(" ")[0] for each in text if each.isalpha()}
    return len(scripts) <= 1 and bool(_LABEL.fullmatch(text))


def _is_same_host(one: str, other: str, connection: ResourceView) -> bool:
    if one == other:
        return True
    # A Snowflake account may include its region: xy12345 or xy12345.us-east-1.
    locator, region = sorted((one, other), key=len)
    return connection.type == "snowflake" and "." not in locator and region.startswith(locator + ".")


def _continent_of(region: str) -> str:
    folded = region.lower().replace(" ", "") + "-"
    return next((name for name, starts in _CONTINENTS.items() if folded.startswith(starts)), "")


RULES = (
    on_index("KT364", Severity.WARNING, find_mismatched_host),
    on_index("KT365", Severity.WARNING, find_unused_credential),
    on_manifest("KT367", Severity.WARNING, find_residency_mismatch),
    on_index("KT368", Severity.WARNING, find_replica_on_primary),
    on_manifest("KT369", Severity.ERROR, find_invalid_host),
)
