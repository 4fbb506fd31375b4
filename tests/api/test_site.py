"""The key goes to one host, over TLS, and nowhere else."""

import pytest

from keyturn.api.site import Site, loopback, segment, site
from keyturn.core.diagnostic import Faulty


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://api.planasonix.com", Site("https", "api.planasonix.com", 443, "")),
        ("https://api.planasonix.com/", Site("https", "api.planasonix.com", 443, "")),
        ("https://acme.planasonixapis.com/v1", Site("https", "acme.planasonixapis.com", 443, "/v1")),
        ("https://acme.planasonixapis.com/v1/", Site("https", "acme.planasonixapis.com", 443, "/v1")),
        ("https://host.internal:8443/cell-7/v1", Site("https", "host.internal", 8443, "/cell-7/v1")),
        ("HTTPS://API.Planasonix.com", Site("https", "api.planasonix.com", 443, "")),
        ("https://10.1.2.3", Site("https", "10.1.2.3", 443, "")),
        ("https://[2001:db8::1]:8443", Site("https", "2001:db8::1", 8443, "")),
        ("http://127.0.0.1:8080", Site("http", "127.0.0.1", 8080, "")),
        ("http://localhost:8080/v1", Site("http", "localhost", 8080, "/v1")),
        ("http://[::1]:8080", Site("http", "::1", 8080, "")),
    ],
)
def test_plain_addresses(url, found):
    """A host, perhaps a port, perhaps a path."""
    assert site(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.planasonix.com",
        "http://api.planasonix.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "ftp://api.planasonix.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https://user:hunter2@api.planasonix.com",
        "https://api.planasonix.com@evil.example",
        "https://@evil.example",
        "https://api.planasonix.com\\@evil.example",
        "https://api.planasonix.com?x=1",
        "https://api.planasonix.com/#x",
        "https://api.planasonix.com/?",
        "https://api.planasonix.com/api",
        "https://api.planasonix.com/v1/api/",
        "https://api.planasonix.com/a/../b",
        "https://api.planasonix.com/./b",
        "https://api.planasonix.com//evil.example",
        "https://api.planasonix.com/%2e%2e",
        "https://api.planasonix.com:99999",
        "https://api.planasonix.com:0",
        "https://api.planasonix.com:x",
        "https://api..planasonix.com",
        "https://-api.planasonix.com",
        "https://api.planasonix.com ",
        " https://api.planasonix.com",
        "https://api.planasonix.com\n",
        "https://api.planasonix.com\r\nX-Evil: 1",
        "https://api.planasonix.com\x00",
        "https://api.plаnasonix.com",  # noqa: RUF001 - a Cyrillic letter is the point
        "https://api。planasonix.com",
        "https://[::1",
        "https://[evil]",
        "https://" + "a" * 3000,
    ],
)
def test_everything_else_is_refused_unseen(url):
    """No redirect of the key by way of the address; the message does not repeat it."""
    with pytest.raises(Faulty) as caught:
        site(url)
    (finding,) = caught.value.findings
    assert finding.code == "KT511"
    assert "hunter2" not in finding.message
    assert "evil" not in finding.message


def test_origin():
    """What a redirect must keep."""
    assert site("https://[2001:db8::1]").origin == "https://[2001:db8::1]:443"
    assert site("http://localhost:8080/v1").origin == "http://localhost:8080"
    assert site("https://a.example").encrypted
    assert not site("http://localhost").encrypted


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("8.8.8.8", False)],
)
def test_loopback(host, here):
    """Only this machine is this machine."""
    assert loopback(host) == here


@pytest.mark.parametrize(
    ("identity", "part"),
    [
        ("cred_01HV", "cred_01HV"),
        ("a/b", "a%2Fb"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("a?b#c", "a%3Fb%23c"),
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("a%2fb", "a%252fb"),
    ],
)
def test_an_id_stays_one_segment(identity, part):
    """Whatever the service calls an object, it cannot lead to another path."""
    assert segment(identity) == part


@pytest.mark.parametrize("identity", ["", ".", "..", "a\nb", "a\x00", "\ud800", "x" * 600])
def test_what_cannot_be_a_segment(identity):
    """Empty ids, dots, control characters and half surrogates are no ids."""
    with pytest.raises(ValueError, match="id that cannot stand in a path"):
        segment(identity)
