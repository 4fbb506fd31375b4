"""The days on which something ends."""

from datetime import date

import pytest

from certificates import make_certificate
from keyturn.policy.rules.expiry import (
    FieldExpiry,
    find_declared_expiries,
    parse_day,
    read_certificate_expiry,
)
from sample_policies import make_view

TEXT = "kind: credential\nname: x\ntype: azure\nlabels: {expires: '2027-01-31'}\n"


def test_a_label_a_field_and_a_certificate_declare_an_expiry():
    """With path and description."""
    one = make_view(TEXT)
    config = {
        ("config", "secret_expires_at"): "2027-05-01T00:00:00Z",
        ("config", "ca"): make_certificate(date(2029, 6, 30)).pem,
        ("config", "port"): 5,
        ("config", "valid_until"): "2027-13-01",
        ("config", "note"): "2027-05-01",
    }
    found = list(find_declared_expiries(make_view(TEXT, config=config)))
    assert list(find_declared_expiries(one)) == [
        FieldExpiry(("labels", "expires"), date(2027, 1, 31), "label expires")
    ]
    assert found[1:] == [
        FieldExpiry(("config", "secret_expires_at"), date(2027, 5, 1), "field secret_expires_at"),
        FieldExpiry(("config", "ca"), date(2029, 6, 30), "certificate (field ca)"),
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2027-01-31", date(2027, 1, 31)),
        ("2027-01-31T10:00:00+02:00", date(2027, 1, 31)),
        ("", None),
        ("soon", None),
    ],
)
def test_a_day_is_read_from_iso_8601(text, day):
    """A time after it is ignored."""
    assert parse_day(text) == day


def test_an_unreadable_certificate_has_no_expiry():
    """Another rule reports it."""
    assert read_certificate_expiry("-----BEGIN CERTIFICATE-----") is None
