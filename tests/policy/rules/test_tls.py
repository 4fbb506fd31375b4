"""What protects a secret on its way."""

import pytest

from sample_policies import list_places, make_settings, run_policy_rules

TEXT = """\
kind: connection
name: {env}-x
type: {type}
labels: {{environment: {env}, system: x, owner: data}}
config: {{{config}}}
"""


def write(config, kind="postgres", env="prod"):
    """Return a connection with these settings."""
    return TEXT.format(config=config, type=kind, env=env)


@pytest.mark.parametrize(
    "config",
    [
        "sslMode: disable",
        "sslmode: allow",
        "ssl_mode: PREFER",
        "ssl: false",
        "tls: {mode: disable}",
        "tls: {enabled: 'false'}",
        "encrypt: optional",
        "securityProtocol: SASL_PLAINTEXT",
    ],
)
def test_weak_tls_in_production_is_reported(config):
    """In the words of each connector."""
    assert [one.code for one in run_policy_rules(write(config))] == ["KT350"]
    assert list_places("KT350", run_policy_rules(write(config)))[0].startswith("prod-x:5:")


@pytest.mark.parametrize(
    "config", ["sslMode: require", "sslMode: verify-full", "ssl: true", "securityProtocol: SASL_SSL"]
)
def test_tls_in_production_is_accepted(config):
    """Require is enough by default."""
    assert run_policy_rules(write(config)) == ()


def test_the_settings_have_the_minimum_mode():
    """Such as verify-full."""
    strict = make_settings({"tls": {"minimum": "verify-full"}})
    assert list_places("KT350", run_policy_rules(write("sslMode: verify-ca"), policy=strict)) == [
        "prod-x:5:19"
    ]
    assert list_places("KT350", run_policy_rules(write("sslMode: verify-full"), policy=strict)) == []


def test_disabled_tls_outside_production_is_a_note():
    """In a lab it is accepted."""
    found = run_policy_rules(write("sslMode: disable", env="staging"))
    assert [(one.code, one.severity.name) for one in found] == [("KT356", "NOTE")]
    assert run_policy_rules(write("sslMode: disable", env="lab")) == ()


def test_settings_may_declare_an_environment_production():
    """By its name in the settings."""
    policy = make_settings({"environments": {"emea": {"production": True}}})
    assert list_places("KT350", run_policy_rules(write("sslMode: disable", env="emea"), policy=policy)) == [
        "emea-x:5:19"
    ]


@pytest.mark.parametrize(
    ("config", "column"),
    [
        ("sslMode: require, trustServerCertificate: true", 52),
        ("sslMode: require, tls: {insecure: 'yes'}", 44),
        ("sslMode: require, rejectUnauthorized: false", 48),
        ("sslMode: require, sslVerify: 'off'", 39),
    ],
)
def test_accepting_any_certificate_is_reported(config, column):
    """By a trust switch or a disabled verification."""
    assert [(one.code, one.origin.column) for one in run_policy_rules(write(config))] == [("KT351", column)]


def test_verification_is_accepted():
    """The same switches with the other value."""
    assert run_policy_rules(write("sslMode: require, trustServerCertificate: false, sslVerify: true")) == ()


def test_ftp_is_reported_at_its_type_and_in_urls():
    """FTP over TLS is accepted."""
    assert list_places("KT352", run_policy_rules(write("host: files.acme.com", "ftp"))) == ["prod-x:3:7"]
    assert list_places("KT352", run_policy_rules(write("url: 'ftp://files.acme.com'", "other"))) == [
        "prod-x:5:15"
    ]
    assert list_places("KT352", run_policy_rules(write("host: files.acme.com, tls: explicit", "ftp"))) == []


def test_an_ssh_server_without_host_key_is_reported():
    """SFTP, and a tunnel."""
    assert list_places("KT353", run_policy_rules(write("host: files.acme.com", "sftp"))) == ["prod-x:3:7"]
    tunnel = write("sslMode: require, sshHost: bastion.acme.com")
    assert list_places("KT353", run_policy_rules(tunnel)) == ["prod-x:5:37"]


def test_the_host_key_may_be_in_the_connection_or_the_credential():
    """Both count."""
    link = write("host: files.acme.com", "sftp") + "credential: prod-x\n"
    login = link.replace("kind: connection", "kind: credential").replace("sftp", "password")
    login = login.replace("credential: prod-x\n", "").replace("host: files.acme.com", "knownHosts: pinned")
    assert list_places("KT353", run_policy_rules(login, link)) == []
    assert list_places("KT353", run_policy_rules(write("knownHosts: pinned", "sftp"))) == []
    assert list_places("KT353", run_policy_rules(login.replace("knownHosts", "note"), link)) == ["prod-x:3:7"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://api.acme.com", True),
        ("HTTP://api.acme.com", True),
        ("pulsar://broker.acme.com", True),
        ("https://api.acme.com", False),
        ("pulsar+ssl://broker.acme.com", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.1", False),
        ("see http://x", False),
    ],
)
def test_an_unencrypted_url_is_reported(url, found):
    """Except on the loopback interface."""
    text = write(f"baseUrl: '{url}'", "rest_api")
    assert list_places("KT354", run_policy_rules(text)) == (["prod-x:5:19"] if found else [])


def test_a_missing_mode_in_production_is_reported():
    """The default of the service is not documented."""
    assert list_places("KT355", run_policy_rules(write("host: db.acme.com"))) == ["prod-x:5:1"]
    assert list_places("KT355", run_policy_rules(write("host: db.acme.com", env="staging"))) == []
    assert (
        list_places("KT355", run_policy_rules(write("url: 'https://search.acme.com'", "elasticsearch"))) == []
    )
    assert list_places("KT355", run_policy_rules(write("bucket: landing", "s3"))) == []
