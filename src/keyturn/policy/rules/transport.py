"""Transport: what protects a secret on its way to the service it opens."""

from collections.abc import Iterator

from keyturn.core.diagnostic import Severity
from keyturn.core.fields import Leaf, Path
from keyturn.policy.environments import environment_of, production
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Found, on_fleet, on_manifest
from keyturn.policy.settings import TLS_MODES, Settings
from keyturn.policy.spelling import fold
from keyturn.policy.subject import Subject
from keyturn.policy.words import affirmed, say, texts

_MODES = frozenset(
    {"sslmode", "tlsmode", "ssl", "tls", "encrypt", "encryption", "usessl", "usetls", "sslenabled",
     "tlsenabled", "securityprotocol"}
)  # fmt: skip
_OFF = frozenset({"disable", "disabled", "off", "false", "no", "none", "plaintext", "saslplaintext"})
_WEAK = frozenset({"allow", "prefer", "preferred", "optional"})
_OPEN = _OFF | _WEAK
_STRENGTH = {"require": 0, "required": 0, "verifyca": 1, "verifyfull": 2, "verifyidentity": 2, "strict": 2}
_LABS = frozenset({"lab", "local", "sandbox"})
_STATED_FOR = frozenset(
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
_TRUSTING = frozenset(
    {"trustservercertificate", "insecure", "insecureskipverify", "skipverify", "allowinvalidcertificates",
     "tlsallowinvalidcertificates", "tlsinsecure"}
)  # fmt: skip
_VERIFYING = frozenset(
    {"sslverify", "verifyssl", "tlsverify", "verifytls", "verifycertificate", "verifycertificates",
     "validatecertificate", "rejectunauthorized", "verifyhostname", "hostnameverification"}
)  # fmt: skip
_SSH = frozenset({"sshhost", "bastionhost", "tunnelhost", "sshhostname"})
_PINS = frozenset(
    {"knownhosts", "sshknownhosts", "hostkey", "sshhostkey", "hostkeyfingerprint", "sshhostkeyfingerprint"}
)
_PLAIN_SCHEMES = frozenset({"http", "ws", "pulsar", "ldap", "amqp", "redis", "mqtt"})
_LOOPBACK = ("localhost", "127.", "[::1]")
_SCHEME = 16


def weak_in_production(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find TLS modes that are off, or weaker than the settings ask for, in production."""
    least = TLS_MODES.index(settings.tls)
    for path, leaf in subject.named(_MODES):
        mode = _mode(leaf)
        if mode in _OFF and production(subject, settings):
            yield Found(subject=subject, path=path, message=f"{say(path)} turns TLS off in production")
        elif (mode in _WEAK or _STRENGTH.get(mode, least) < least) and production(subject, settings):
            message = f"{say(path)} is weaker than {settings.tls} in production"
            yield Found(subject=subject, path=path, message=message)


def off_elsewhere(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find TLS turned off outside production and labs."""
    if production(subject, settings) or environment_of(subject, settings) in _LABS:
        return
    for path, leaf in subject.named(_MODES):
        if _mode(leaf) in _OFF:
            yield Found(subject=subject, path=path, message=f"{say(path)} turns TLS off outside a lab")


def unverified(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find switches that accept any server certificate."""
    for path, leaf in subject.named(_TRUSTING):
        if affirmed(leaf):
            yield _unverified(subject, path)
    for path, leaf in subject.named(_VERIFYING):
        if affirmed(leaf) is False:
            yield _unverified(subject, path)


def unstated(subject: Subject, settings: Settings) -> Iterator[Found]:
    """Find production connections to databases that leave the TLS mode to the service."""
    if subject.address.kind != "connection" or subject.type not in _STATED_FOR:
        return
    if not production(subject, settings) or any(subject.named(_MODES)):
        return
    if not any(text.startswith(("https://", "http://")) for _, text in texts(subject)):
        yield Found(subject=subject, path=("config",), message="no TLS mode is stated", key=True)


def plain_ftp(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find FTP without TLS."""
    if any(_mode(leaf) not in _OPEN for _, leaf in subject.named(_MODES)):
        return
    if subject.address.kind == "connection" and subject.type == "ftp":
        yield Found(subject=subject, path=("type",), message="the connection uses FTP")
    for path, leaf in subject.config.items():
        if isinstance(leaf, str) and leaf.startswith(("ftp://", "FTP://")):
            yield Found(subject=subject, path=path, message=f"{say(path)} is an address of FTP")


def unpinned(fleet: Fleet, _: Settings) -> Iterator[Found]:
    """Find SSH servers, bastions and those of SFTP, whose host key is stated nowhere."""
    tunnels = {subject.file: path for subject in fleet.subjects if (path := _ssh(subject))}
    if not tunnels:
        return
    pinned = {subject.file for subject in fleet.subjects if any(subject.named(_PINS))}
    for use in fleet.uses:
        if {use.user.file, use.used.file} & pinned:
            pinned |= {use.user.file, use.used.file}
    for subject in fleet.subjects:
        if subject.file in tunnels and subject.file not in pinned:
            message = "the host key of the SSH server is not pinned"
            yield Found(subject=subject, path=tunnels[subject.file], message=message)


def plain_address(subject: Subject, _: Settings) -> Iterator[Found]:
    """Find addresses whose scheme does not encrypt, those of this machine excepted."""
    for path, leaf in subject.config.items():
        if isinstance(leaf, str) and "://" in leaf[:_SCHEME]:
            scheme, rest = leaf.lower().split("://", 1)
            if scheme in _PLAIN_SCHEMES and not rest.startswith(_LOOPBACK):
                yield Found(
                    subject=subject, path=path, message=f"{say(path)} is an address of plain {scheme}"
                )


def _ssh(subject: Subject) -> Path:
    if subject.type == "sftp":
        return ("type",)
    return next((path for path, _ in subject.named(_SSH)), ())


def _mode(leaf: Leaf) -> str:
    return fold(leaf) if isinstance(leaf, str) else str(leaf).lower()


def _unverified(subject: Subject, path: Path) -> Found:
    return Found(subject=subject, path=path, message=f"{say(path)} accepts any server certificate")


RULES = (
    on_manifest("KT350", Severity.ERROR, weak_in_production),
    on_manifest("KT351", Severity.WARNING, unverified),
    on_manifest("KT352", Severity.WARNING, plain_ftp),
    on_fleet("KT353", Severity.WARNING, unpinned),
    on_manifest("KT354", Severity.WARNING, plain_address),
    on_manifest("KT355", Severity.WARNING, unstated),
    on_manifest("KT356", Severity.NOTE, off_elsewhere),
)
