"""Transport: what protects a secret on its way to the service it opens."""

from collections.abc import Iterator

from keyturn.model.diagnostic import Severity
from keyturn.model.fields import FieldPath, Leaf
from keyturn.policy.manifest_index import ManifestIndex
from keyturn.policy.names import normalize_name
from keyturn.policy.resource_view import ResourceView
from keyturn.policy.rule import Violation, on_index, on_manifest
from keyturn.policy.settings import TLS_MODES, PolicySettings, environment_of, is_production
from keyturn.policy.text_matching import parse_switch, safe_field_name, walk_texts

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


def weak_production_tls(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find TLS modes that are off, or weaker than the settings ask for, in production."""
    least = TLS_MODES.index(settings.tls)
    for path, leaf in subject.fields_named(_TLS_MODE_FIELDS):
        mode = _normalize_mode(leaf)
        if mode in _OFF_MODES and is_production(subject, settings):
            yield Violation(
                resource=subject, path=path, message=f"{safe_field_name(path)} turns TLS off in production"
            )
        elif (mode in _WEAK_MODES or _MODE_STRENGTH.get(mode, least) < least) and is_production(
            subject, settings
        ):
            message = f"{safe_field_name(path)} is weaker than {settings.tls} in production"
            yield Violation(resource=subject, path=path, message=message)


def disabled_tls(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find TLS turned off outside production and labs."""
    if is_production(subject, settings) or environment_of(subject, settings) in _LAB_ENVIRONMENTS:
        return
    for path, leaf in subject.fields_named(_TLS_MODE_FIELDS):
        if _normalize_mode(leaf) in _OFF_MODES:
            yield Violation(
                resource=subject, path=path, message=f"{safe_field_name(path)} turns TLS off outside a lab"
            )


def unverified_certificate(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find switches that accept any server certificate."""
    for path, leaf in subject.fields_named(_TRUST_SWITCHES):
        if parse_switch(leaf):
            yield _unverified_violation(subject, path)
    for path, leaf in subject.fields_named(_VERIFY_SWITCHES):
        if parse_switch(leaf) is False:
            yield _unverified_violation(subject, path)


def unstated_tls_mode(subject: ResourceView, settings: PolicySettings) -> Iterator[Violation]:
    """Find production connections to databases that leave the TLS mode to the service."""
    if subject.address.kind != "connection" or subject.type not in _DATABASE_TYPES:
        return
    if not is_production(subject, settings) or any(subject.fields_named(_TLS_MODE_FIELDS)):
        return
    if not any(text.startswith(("https://", "http://")) for _, text in walk_texts(subject)):
        yield Violation(resource=subject, path=("config",), message="no TLS mode is stated", at_key=True)


def plain_ftp(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find FTP without TLS."""
    if any(
        _normalize_mode(leaf) not in _UNENCRYPTED_MODES for _, leaf in subject.fields_named(_TLS_MODE_FIELDS)
    ):
        return
    if subject.address.kind == "connection" and subject.type == "ftp":
        yield Violation(resource=subject, path=("type",), message="the connection uses FTP")
    for path, leaf in subject.config.items():
        if isinstance(leaf, str) and leaf.startswith(("ftp://", "FTP://")):
            yield Violation(
                resource=subject, path=path, message=f"{safe_field_name(path)} is an address of FTP"
            )


def unpinned_host_key(fleet: ManifestIndex, _: PolicySettings) -> Iterator[Violation]:
    """Find SSH servers, bastions and those of SFTP, whose host key is stated nowhere."""
    tunnels = {subject.file: path for subject in fleet.resources if (path := _ssh_host_path(subject))}
    if not tunnels:
        return
    pinned = {subject.file for subject in fleet.resources if any(subject.fields_named(_HOST_KEY_FIELDS))}
    for use in fleet.references:
        if {use.source.file, use.target.file} & pinned:
            pinned |= {use.source.file, use.target.file}
    for subject in fleet.resources:
        if subject.file in tunnels and subject.file not in pinned:
            message = "the host key of the SSH server is not pinned"
            yield Violation(resource=subject, path=tunnels[subject.file], message=message)


def unencrypted_address(subject: ResourceView, _: PolicySettings) -> Iterator[Violation]:
    """Find addresses whose scheme does not encrypt, those of this machine excepted."""
    for path, leaf in subject.config.items():
        if isinstance(leaf, str) and "://" in leaf[:_MAX_SCHEME_LENGTH]:
            scheme, rest = leaf.lower().split("://", 1)
            if scheme in _PLAIN_SCHEMES and not rest.startswith(_LOOPBACK_PREFIXES):
                yield Violation(
                    resource=subject,
                    path=path,
                    message=f"{safe_field_name(path)} is an address of plain {scheme}",
                )


def _ssh_host_path(subject: ResourceView) -> FieldPath:
    if subject.type == "sftp":
        return ("type",)
    return next((path for path, _ in subject.fields_named(_SSH_HOST_FIELDS)), ())


def _normalize_mode(leaf: Leaf) -> str:
    return normalize_name(leaf) if isinstance(leaf, str) else str(leaf).lower()


def _unverified_violation(subject: ResourceView, path: FieldPath) -> Violation:
    return Violation(
        resource=subject, path=path, message=f"{safe_field_name(path)} accepts any server certificate"
    )


RULES = (
    on_manifest("KT350", Severity.ERROR, weak_production_tls),
    on_manifest("KT351", Severity.WARNING, unverified_certificate),
    on_manifest("KT352", Severity.WARNING, plain_ftp),
    on_index("KT353", Severity.WARNING, unpinned_host_key),
    on_manifest("KT354", Severity.WARNING, unencrypted_address),
    on_manifest("KT355", Severity.WARNING, unstated_tls_mode),
    on_manifest("KT356", Severity.NOTE, disabled_tls),
)
