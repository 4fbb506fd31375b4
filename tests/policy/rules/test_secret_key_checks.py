"""Opened secrets as keys."""

import json
from datetime import date

import pytest

from certificates import make_certificate
from sample_policies import list_places, make_decrypted_secrets, make_view, run_policy_rules

PAIR, OTHER = make_certificate(), make_certificate()
LOCKED = PAIR.private("open sesame")


def found(kind, kept="", **fields):
    """Return the findings about these opened secrets; ``kept`` is a field that stays closed."""
    names = ", ".join(f"{name}: ENC" for name in (*fields, *filter(None, [kept])))
    text = f"kind: credential\nname: prod-x\ntype: {kind}\nsecrets: {{{names}}}\n"
    one = make_view(text)
    return run_policy_rules(one, secrets=make_decrypted_secrets(one, **fields))


def codes(kind, **fields):
    """Return the codes of these findings that are about keys."""
    wanted = ("KT380", "KT381", "KT387", "KT388")
    return [one.code for one in found(kind, **fields) if one.code in wanted]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("database", {"private_key": PAIR.private()}),
        ("database", {"private_key": LOCKED, "private_key_passphrase": "open sesame"}),
        ("database", {"ssh_private_key": LOCKED, "ssh_passphrase": "open sesame"}),
        ("azure", {"certificate": PAIR.pem + PAIR.private()}),
        ("azure", {"certificate": PAIR.private() + OTHER.pem + PAIR.pem}),
        ("azure", {"certificate": PAIR.pem + LOCKED, "certificate_password": "open sesame"}),
        ("azure", {"certificate": PAIR.pfx("open sesame"), "certificate_password": "open sesame"}),
        ("api_key", {"client_certificate": PAIR.pem, "private_key": PAIR.private()}),
        ("password", {"password": "no key at all"}),
    ],
)
def test_valid_keys_are_accepted(kind, fields):
    """One of each type."""
    assert codes(kind, **fields) == []


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("database", {"private_key": PAIR.private()[:90]}, ["KT380"]),
        ("database", {"private_key": PAIR.private().replace("\n", " ")[:150]}, ["KT380"]),
        ("database", {"private_key": "not a key"}, ["KT380"]),
        ("azure", {"certificate": PAIR.pem[:90]}, ["KT380"]),
        ("azure", {"certificate": PAIR.pem + OTHER.private()}, ["KT381"]),
        ("api_key", {"client_certificate": PAIR.pem, "private_key": OTHER.private()}, ["KT381"]),
        ("database", {"private_key": LOCKED, "private_key_passphrase": "wrong"}, ["KT387"]),
        ("database", {"private_key": LOCKED}, ["KT387"]),
        ("database", {"private_key": PAIR.private(), "private_key_passphrase": "unused"}, ["KT387"]),
        ("database", {"ssh_private_key": LOCKED, "ssh_passphrase": "wrong"}, ["KT387"]),
        ("azure", {"certificate": PAIR.pfx("right"), "certificate_password": "wrong"}, ["KT388"]),
        ("azure", {"certificate": "bm8gcGZ4"}, ["KT388"]),
        ("azure", {"certificate": PAIR.pfx("right", bare=True), "certificate_password": "right"}, ["KT388"]),
    ],
)
def test_an_invalid_key_has_one_diagnostic(kind, fields, expected):
    """Each problem has one code."""
    assert codes(kind, **fields) == expected


def test_a_violation_is_at_the_key():
    """Not at its passphrase."""
    broken = found("database", private_key=LOCKED, private_key_passphrase="wrong")
    assert list_places("KT387", broken) == ["prod-x:4:11"]


def test_a_key_with_a_kept_passphrase_is_not_checked():
    """The passphrase is unknown."""
    assert list_places("KT387", found("database", kept="private_key_passphrase", private_key=LOCKED)) == []
    assert (
        list_places("KT388", found("azure", kept="certificate_password", certificate=PAIR.pfx("right"))) == []
    )


def test_an_ssh_key_is_not_the_key_of_a_certificate():
    """It is the key of a tunnel."""
    assert codes("azure", certificate=PAIR.pem, ssh_private_key=OTHER.private()) == []


def test_the_key_in_a_service_account_is_read():
    """Valid JSON may contain an invalid key."""
    whole = json.dumps({"private_key": PAIR.private()})
    broken = json.dumps({"private_key": PAIR.private()[:80]})
    assert codes("gcp", service_account_json=whole) == []
    assert codes("gcp", service_account_json=broken) == ["KT380"]


@pytest.mark.parametrize("pfx", [True, False])
def test_an_expired_certificate_is_reported(pfx):
    """In PFX and PEM."""
    ending = make_certificate(date(2026, 2, 1))
    fields = (
        {"certificate": ending.pfx("open sesame"), "certificate_password": "open sesame"}
        if pfx
        else {"certificate": ending.pem + ending.private()}
    )
    said = [one.message for one in found("azure", **fields) if one.code == "KT322"]
    assert said == ["certificate (field certificate): expired on 2026-02-01"]
