"""The base URL: `validate` and the client accept the same URLs."""

import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.client import Client, ClientSettings
from keyturn.client.messages import ClientClock
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.model.service_url import (
    ServiceUrl,
    ServiceUrlError,
    is_loopback_host,
    is_path_segment,
    parse_service_url,
)
from keyturn.project.project import parse_project

TEMPO = ClientClock(
    monotonic=time.monotonic, now=time.time, sleep=lambda _: None, random_fraction=lambda: 0.0
)
PROJECT = """\
version: 1
workspaces:
  prod:
    base_url: {url}
    organization: org_1
    api_key: {{env: KEY}}
    manifests: [manifests]
"""


def url(scheme, host, port, prefix=""):
    """Return a parsed base URL."""
    return ServiceUrl(scheme=scheme, host=host, port=port, prefix=prefix)


ACCEPTED = [
    ("https://api.planasonix.com", url("https", "api.planasonix.com", 443)),
    ("https://api.planasonix.com/", url("https", "api.planasonix.com", 443)),
    ("https://acme.planasonixapis.com/v1", url("https", "acme.planasonixapis.com", 443, "/v1")),
    ("https://acme.planasonixapis.com/v1/", url("https", "acme.planasonixapis.com", 443, "/v1")),
    ("https://host.internal:8443/cell-7/v1", url("https", "host.internal", 8443, "/cell-7/v1")),
    ("https://a.example/api/v1", url("https", "a.example", 443, "/api/v1")),
    ("https://a.example/apis", url("https", "a.example", 443, "/apis")),
    ("https://a.example:443", url("https", "a.example", 443)),
    ("HTTPS://API.Planasonix.com", url("https", "api.planasonix.com", 443)),
    ("https://a.example/V1", url("https", "a.example", 443, "/V1")),
    ("https://xn--bcher-kva.example", url("https", "xn--bcher-kva.example", 443)),
    ("https://10.1.2.3", url("https", "10.1.2.3", 443)),
    ("https://[2001:db8::1]:8443", url("https", "2001:db8::1", 8443)),
    ("https://[2001:DB8::1]", url("https", "2001:db8::1", 443)),
    ("http://127.0.0.1:8080", url("http", "127.0.0.1", 8080)),
    ("http://127.9.9.9", url("http", "127.9.9.9", 80)),
    ("http://localhost:8080/v1", url("http", "localhost", 8080, "/v1")),
    ("HTTP://LOCALHOST", url("http", "localhost", 80)),
    ("http://[::1]:8080", url("http", "::1", 8080)),
]

REFUSED = [
    "api.planasonix.com",
    "//api.planasonix.com",
    "https:api.planasonix.com",
    "ftp://api.planasonix.com",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://",
    "https:///v1",
    "http://api.planasonix.com",
    "HTTP://evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "http://localhost.",
    "http://0.0.0.0",
    "http://10.0.0.1",
    "http://[::2]",
    "http://[::ffff:10.0.0.1]",
    "https://user@a.example",
    "https://user:hunter2@api.planasonix.com",
    "https://api.planasonix.com@evil.example",
    "https://@evil.example",
    "http://localhost:80@evil.example",
    "https://api.planasonix.com\\@evil.example",
    "https://a.example\\evil.example",
    "https://a.example/\\evil.example",
    "https://api.planasonix.com?x=1",
    "https://api.planasonix.com?",
    "https://api.planasonix.com/?",
    "https://api.planasonix.com#",
    "https://api.planasonix.com/#x",
    "https://api.planasonix.com/api",
    "https://api.planasonix.com/api/",
    "https://api.planasonix.com/v1/api/",
    "https://a.example/a/../b",
    "https://a.example/./b",
    "https://a.example/.b",
    "https://a.example//evil.example",
    "https://a.example/v1//",
    "https://a.example//",
    "https://a.example/v1;x",
    "https://a.example;x",
    "https://a.example/~user",
    "https://a.example/_x",
    "https://a.example/%2e%2e",
    "https://a.example/%",
    "https://a%2eexample",
    "https://a.example:99999",
    "https://a.example:65536",
    "https://a.example:0",
    "https://a.example:",
    "https://a.example:x",
    "https://a.example:0x50",
    "https://a.example:-1",
    "https://a.example:4 43",
    "https://a.example:443:443",
    "https://a..example",
    "https://a.example.",
    "https://a.example.:443",
    "https://.a.example",
    "https://-a.example",
    "https://a.example-",
    "https://a_b.example",
    "https://a.example ",
    " https://a.example",
    "https://a b.example",
    "https://a.example\t",
    "https://a.example\n",
    "https://a.example\r\nX-Evil: 1",
    "https://a.example/\x00",
    "https://a.example\x7f",
    "https://a.example\x85",
    "https://bücher.example",
    "https://api.pl\u0430nasonix.com",
    "https://api\u3002planasonix.com",
    "https://a.example\u202e",
    "https://[::1",
    "https://::1",
    "https://[evil]",
    "https://[v1.fe]",
    "https://[127.0.0.1]",
    "https://[fe80::1%25eth0]",
    "https://[]",
    "https://" + "a" * 300,
    "https://a.example/" + "a" * 3000,
]


def quoted(text):
    """Return ``text`` as a double-quoted YAML scalar with escapes."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'


def refusals(text):
    """Return the messages of `validate` and of the client about a base URL; empty if accepted."""
    try:
        parse_project(PROJECT.format(url=quoted(text)).encode(), None)
        read = ""
    except DiagnosticError as faulty:
        (finding,) = faulty.diagnostics
        assert finding.code == "KT004"
        read = finding.message
    try:
        Client.open(ClientSettings(base_url=text, api_key=Secret("k")), TEMPO).close()
        opened = ""
    except DiagnosticError as faulty:
        (finding,) = faulty.diagnostics
        assert finding.code == "KT511"
        opened = finding.message
    return read, opened


@pytest.mark.parametrize(("text", "found"), ACCEPTED)
def test_accepted_urls(text, found):
    """`validate`, `plan` and the client read the same host, port and path."""
    assert parse_service_url(text) == found
    assert refusals(text) == ("", "")


@pytest.mark.parametrize("text", REFUSED)
def test_rejected_urls(text):
    """`validate` and the client reject the same URLs, and no message repeats the URL."""
    with pytest.raises(ServiceUrlError):
        parse_service_url(text)
    read, opened = refusals(text)
    assert read.partition("is refused: ")[2] == opened.partition("is refused: ")[2] != ""
    assert "hunter2" not in read + opened
    assert "evil" not in read + opened


def test_an_empty_url_is_rejected():
    """An empty text is not a URL."""
    with pytest.raises(ServiceUrlError):
        parse_service_url("")


def test_origin():
    """Scheme, host and port; an IPv6 address in brackets."""
    assert parse_service_url("https://[2001:db8::1]").origin == "https://[2001:db8::1]:443"
    assert parse_service_url("http://localhost:8080/v1").origin == "http://localhost:8080"
    assert parse_service_url("https://a.example").is_encrypted
    assert not parse_service_url("http://localhost").is_encrypted


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.255.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("localhost.", False),
        ("127.0.0.1.x", False),
        ("0.0.0.0", False),  # noqa: S104 - not bound, refused
        ("::", False),
        ("8.8.8.8", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_loopback(host, here):
    """localhost, 127.0.0.0/8 and ::1, but no similar name."""
    assert is_loopback_host(host) == here


ODD_IDS = [
    "",
    ".",
    "..",
    "a.b",
    "a/b",
    "../connections/x",
    "a%2Fb",
    "a?force=true",
    "a#b",
    "a;b",
    "a\\b",
    "a b",
    "a\n",
    "a\x00",
    "a\u200b",
    "\u00fc",
    "\uff41",
    "\u0661",
    "\ud800",
    "x" * 201,
]


@pytest.mark.parametrize("identity", ["conn_01HV8Z3K", "7d9f0a3e-5b1c-4c55", "0", "-x", "restore", "x" * 200])
def test_an_id_is_one_segment(identity):
    """Letters, digits, - and _ lead to no other path."""
    assert is_path_segment(identity)


@pytest.mark.parametrize("identity", ODD_IDS, ids=ascii)
def test_other_ids_are_no_segment(identity):
    """Neither is anything that a server or a proxy may read as another path."""
    assert not is_path_segment(identity)


@given(identity=st.text(max_size=300))
def test_a_segment_needs_no_quoting(identity):
    """Quoting changes no ID that is accepted."""
    assert not is_path_segment(identity) or quote(identity, safe="") == identity
