"""Addresses that a project file may name."""

import pytest

from keyturn.load.urls import ledger_refusal, loopback, service_refusal


@pytest.mark.parametrize(
    "text",
    [
        "https://api.planasonix.com", "https://api.planasonix.com/", "https://api.example.com/v1",
        "https://a.b:8443/x/v1/", "http://127.0.0.1:8000",
        "http://localhost:80/v1", "http://[::1]:8080", "http://127.9.9.9",
    ],
)  # fmt: skip
def test_takes_https_and_loopback(text):
    """A path may follow; plain http is for this machine alone."""
    assert service_refusal(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "api.example.com", "ftp://a.b", "HTTP://evil.example.com", "http://evil.example.com",
        "http://127.0.0.1.evil.com", "http://localhost.evil.com", "http://0.0.0.0",
        "http://[::2]", "https://", "https:///x", "https://user@a.b", "https://user:pw@a.b",
        "https://a.b@evil.com", "http://localhost:80@evil.com",
        "https://a.b?x=1", "https://a.b/#x", "https://a.b?", "https://a.b#", "https://a.b:99999",
        "https://a.b:", "https://a.b:0x50", "https://[::1",
        "https://a.b/../x", "https://a.b/./x", "https://a.b//x", "https://a.b/%2e%2e", "https://é.com",
        "https://a.b\\evil.com", "https://a b.com", "https://a.b\n",
        "\thttps://a.b", "https://a.b/\x00", "https://-a.b", "https://a.b-", "javascript:alert(1)",
        "https:a.b", "//a.b", "https://a.b;x", "https://[fe80::1%25eth0]",
    ],
)  # fmt: skip
def test_refuses_what_could_take_the_key_elsewhere(text):
    """Users, queries, fragments, other schemes, look-alikes and tricks of parsing."""
    assert service_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "file:.keyturn/prod",
        "file:/var/lib/keyturn",
        "s3://bucket/prefix",
        "gs://bucket",
        "az://container/a/b",
    ],
)
def test_takes_folders_and_buckets(text):
    """A ledger is a folder or lies in a bucket."""
    assert ledger_refusal(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "x", "file:", "file:/", "file:../x", "file:a/../../x", "file:a\\b", "s3://", "s3:///x",
    "s3://u:p@b/x", "s3://b/x?y", "s3://b/../x", "https://a.b", "s3://b x"],
)  # fmt: skip
def test_refuses_other_ledgers(text):
    """No credentials, no way out, no other scheme."""
    assert ledger_refusal(text)


def test_knows_this_machine():
    """localhost, 127.0.0.0/8 and ::1, and no name that looks like them."""
    assert all(map(loopback, ("localhost", "127.0.0.1", "127.255.0.1", "::1")))
    assert not any(map(loopback, ("localhost.", "127.0.0.1.x", "0.0.0.0", "::", "example.com", "")))  # noqa: S104
