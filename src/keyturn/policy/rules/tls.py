"""Rules about transport: TLS, SSH host keys and unencrypted protocols."""

from collections.abc import Iterator

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath, Leaf
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_index, on_manifest
from keyturn.policy.settings import TLS_MODES, PolicySettings, find_environment, is_production
from keyturn.policy.text_matching import format_field_name, parse_switch, walk_texts

_TLS_MODE_FIELDS = frozenset(
    {"sslmode", "tlsmode", "ssl", "tls", "encrypt", "encryption", "usessl", "usetls", "sslenabled",
     "tlsenabled", "securityprotocol"}
)  # fmt: skip
_OFF_MODES = frozenset({"disable", "disabled", "off", "false", "no", "none", "plaintext", "saslplaintext"})
_WEAK_MODES = frozenset({"allow", "prefer", "preferred", "optional"})
_UNENCRYPTED_MODES = _OFF_MODES | _WEAK_MODES
_MODE_STRENGTH = {
    "require": 0,
    "required": 0,
    "verifyca": 1,
    "verifyfull": 2,
    "verifyidentity": 2,
    "strict": 2,
}
_LAB_ENVIRONMENTS = frozenset({"lab", "local", "sandbox"})
_DATABASE_TYPES = frozenset(
    {
        "postgres",
        "mysql",
        "sqlserver",
        "oracle",
        "mongodb",
        "clickhouse",
        "cassandra",
        "elasticsearch",
        "redshift",
        "synapse",
        "kafka",
        "redpanda",
    }
)
_TRUST_SWITCHES = frozenset(
    {"trustservercertificate", "insecure", "insecureskipverify", "skipverify", "allowinvalidcertificates",
     "tlsallowinvalidcertificates", "tlsinsecure"}
)  # fmt: skip
_VERIFY_SWITCHES = frozenset(
    {"sslverify", "verifyssl", "tlsverify", "verifytls", "verifycertificate", "verifycertificates",
     "validatecertificate", "rejectunauthorized", "verifyhostname", "hostnameverification"}
)  # fmt: skip
_SSH_HOST_FIELDS = frozenset({"sshhost", "bastionhost", "tunnelhost", "sshhostname"})
_HOST_KEY_FIELDS = frozenset(
    {"knownhosts", "sshknownhosts", "hostkey", "sshhostkey", "hostkeyfingerprint", "sshhostkeyfingerprint"}
)
_PLAIN_SCHEMES = frozenset({"http", "ws", "pulsar", "ldap", "amqp", "redis", "mqtt"})
_LOOPBACK_PREFIXES = ("localhost", "127.", "[::1]")
_MAX_SCHEME_LENGTH = 16


def find_weak_production_tls(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find disabled TLS and TLS modes below the minimum in production."""
    minimum = TLS_MODES.index(settings.tls)
    for path, leaf in resource.find_fields(_TLS_MODE_FIELDS):
        mode = _normalize_mode(leaf)
        if mode in _OFF_MODES and is_production(resource, settings):
            yield Violation(
                resource=resource, path=path, message=f"{format_field_name(path)} disables TLS in production"
            )
        elif (mode in _WEAK_MODES or _MODE_STRENGTH.get(mode, minimum) < minimum) and is_production(
            resource, settings
        ):
            message = f"{format_field_name(path)} is weaker than {settings.tls} in production"
            yield Violation(resource=resource, path=path, message=message)


def find_disabled_tls(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find disabled TLS outside production and labs."""
    if is_production(resource, settings) or find_environment(resource, settings) in _LAB_ENVIRONMENTS:
        return
    for path, leaf in resource.find_fields(_TLS_MODE_FIELDS):
        if _normalize_mode(leaf) in _OFF_MODES:
            yield Violation(
                resource=resource, path=path, message=f"{format_field_name(path)} disables TLS outside a lab"
            )


def find_unverified_certificate(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find settings that accept any server certificate."""
    for path, leaf in resource.find_fields(_TRUST_SWITCHES):
        if parse_switch(leaf):
            yield _unverified_violation(resource, path)
    for path, leaf in resource.find_fields(_VERIFY_SWITCHES):
        if parse_switch(leaf) is False:
            yield _unverified_violation(resource, path)


def find_unstated_tls_mode(resource: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find production database connections without a TLS mode."""
    if resource.address.kind != "connection" or resource.type not in _DATABASE_TYPES:
        return
    if not is_production(resource, settings) or any(resource.find_fields(_TLS_MODE_FIELDS)):
        return
    if not any(text.startswith(("https://", "http://")) for _, text in walk_texts(resource)):
        yield Violation(resource=resource, path=("config",), message="no TLS mode is set", at_key=True)


def find_plain_ftp(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find FTP without TLS."""
    if any(
        _normalize_mode(leaf) not in _UNENCRYPTED_MODES for _, leaf in resource.find_fields(_TLS_MODE_FIELDS)
    ):
        return
    if resource.address.kind == "connection" and resource.type == "ftp":
        yield Violation(resource=resource, path=("type",), message="the connection uses FTP")
    for path, leaf in resource.config.items():
        if isinstance(leaf, str) and leaf.startswith(("ftp://", "FTP://")):
            yield Violation(resource=resource, path=path, message=f"{format_field_name(path)} is an FTP URL")


def find_unpinned_host_key(index: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find SSH bastions and SFTP servers without a pinned host key."""
    tunnels = {resource.file: path for resource in index.resources if (path := _ssh_host_path(resource))}
    if not tunnels:
        return
    pinned = {resource.file for resource in index.resources if any(resource.find_fields(_HOST_KEY_FIELDS))}
    for reference in index.references:
        if {reference.source.file, reference.target.file} & pinned:
            pinned |= {reference.source.file, reference.target.file}
    for resource in index.resources:
        if resource.file in tunnels and resource.file not in pinned:
            message = "the host key of the SSH server is not pinned"
            yield Violation(resource=resource, path=tunnels[resource.file], message=message)


def find_unencrypted_address(resource: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find URLs with an unencrypted scheme, except on the loopback interface."""
    for path, leaf in resource.config.items():
        if isinstance(leaf, str) and "://" in leaf[:_MAX_SCHEME_LENGTH]:
            scheme, rest = leaf.lower().split("://", 1)
            if scheme in _PLAIN_SCHEMES and not rest.startswith(_LOOPBACK_PREFIXES):
                yield Violation(
                    resource=resource,
                    path=path,
                    message=f"{format_field_name(path)} is an unencrypted {scheme} URL",
                )


def _ssh_host_path(resource: ResourceView) -> FieldPath:
    if resource.type == "sftp":
        return ("type",)
    return next((path for path, _ in resource.find_fields(_SSH_HOST_FIELDS)), ())


def _normalize_mode(leaf: Leaf) -> str:
    return normalize_name(leaf) if isinstance(leaf, str) else str(leaf).lower()


def _unverified_violation(resource: ResourceView, path: FieldPath) -> Violation:
    return Violation(
        resource=resource, path=path, message=f"{format_field_name(path)} accepts any server certificate"
    )


RULES = (
    on_manifest("KT350", Severity.ERROR, find_weak_production_tls),
    on_manifest("KT351", Severity.WARNING, find_unverified_certificate),
    on_manifest("KT352", Severity.WARNING, find_plain_ftp),
    on_index("KT353", Severity.WARNING, find_unpinned_host_key),
    on_manifest("KT354", Severity.WARNING, find_unencrypted_address),
    on_manifest("KT355", Severity.WARNING, find_unstated_tls_mode),
    on_manifest("KT356", Severity.NOTE, find_disabled_tls),
)
