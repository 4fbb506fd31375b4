"""Deep checks on opened secrets: the one place of policy that reveals."""

import base64
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certificates import make_certificate
from keyturn.model.secret import Secret
from keyturn.policy.rules.secret_rules import find_secret_expiries
from sample_policies import list_places, make_decrypted_secrets, make_view, run_policy_rules

TEXT = """\
kind: credential
name: prod-x
type: {kind}
labels: {{environment: prod}}
config: {{project_id: acme}}
secrets: {{{names}}}
"""
KINDS = ("aws", "azure", "gcp", "database", "api_key", "oauth", "password")
FIELDS = (
    "password", "private_key", "private_key_passphrase", "certificate", "certificate_password", "sas_token",
    "connection_string", "account_key", "service_account_json", "access_key_id",
    "secret_access_key", "api_key",
)  # fmt: skip


def token(**claims):
    """Return a JSON web token with these claims."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"{head}.{body}.c2lnbmF0dXJl"


def ending(day):
    """Return a token that ends on ``day``."""
    return token(exp=int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()))


def holding(kind="api_key", **fields):
    """Return a credential with these secret fields, and their opened values."""
    one = make_view(TEXT.format(kind=kind, names=", ".join(f"{name}: ENC" for name in fields)))
    return one, make_decrypted_secrets(one, **fields)


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (ending(date(2026, 2, 28)), "KT322", "token (field api_key): expired on 2026-02-28"),
        (f"Bearer {ending(date(2026, 3, 2))}", "KT323",
         "token (field api_key): expires on 2026-03-02, tomorrow"),
        ("?sv=1&se=2026-02-28T00%3A00Z&sig=x", "KT322", "signature (field api_key): expired on 2026-02-28"),
        ("Blob=x;SharedAccessSignature=se=2026-03-02&sv=1&sig=x", "KT323",
         "signature (field api_key): expires on 2026-03-02, tomorrow"),
    ],
    ids=["token over", "token near", "signature over", "signature near"],
)  # fmt: skip
def test_an_expiry_is_reported_with_its_day(value, code, message):
    """Tokens and signatures contain it."""
    one, secrets = holding(api_key=value)
    found = [each for each in run_policy_rules(one, secrets=secrets) if each.code == code]
    assert [(each.message, each.origin.line, each.origin.column) for each in found] == [(message, 6, 11)]


@pytest.mark.parametrize(
    "value",
    [token(), token(exp="soon"), token(exp=10**400), token(exp=None), "eyJx.eyJ!.x", "eyJhYWE.eyJhYWE.x"],
    ids=range(6),
)
def test_a_token_without_expiry_is_accepted(value):
    """Many never expire."""
    one, secrets = holding(api_key=value)
    assert (
        list_places("KT322", run_policy_rules(one, secrets=secrets))
        == list_places("KT323", run_policy_rules(one, secrets=secrets))
        == []
    )


def test_expiries_are_data_for_the_usage_report():
    """Declared ones and those in decrypted secrets."""
    pem = make_certificate(date(2027, 6, 30)).pem
    fields = {"certificate": pem, "headers__X-Key": ending(date(2026, 5, 1))}
    one = make_view(
        TEXT.format(kind="azure", names="certificate: ENC").replace("prod}", "prod, expires: '2027-01-31'}")
    )
    found = find_secret_expiries(one, make_decrypted_secrets(one, **fields)[one.file])
    assert [(expiry.path, expiry.day) for expiry in found] == [
        (("labels", "expires"), date(2027, 1, 31)),
        (("secrets", "certificate"), date(2027, 6, 30)),
        (("secrets", "headers", "X-Key"), date(2026, 5, 1)),
    ]
    assert find_secret_expiries(one, {}) == found[:1]


def test_diagnostics_contain_no_canary(canary):
    """Neither messages nor representations."""
    fields = {"password": canary("ascii"), "private_key": canary("pem"), "api_key": canary("unicode") + " "}
    one, secrets = holding("database", **fields)
    found = run_policy_rules(one, secrets=secrets)
    canary.record("findings", repr(found))
    assert list_places("KT385", found) == ["prod-x:6:44"]


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=4), min_size=1))
def test_any_secret_is_checked_without_error_or_quote(kind, fields):
    """For any content."""
    one = make_view(TEXT.format(kind=kind, names=", ".join(f"{name}: ENC" for name in fields)))
    said = " ".join(
        each.message + each.hint
        for each in run_policy_rules(one, secrets=make_decrypted_secrets(one, **fields))
    )
    blank = dict.fromkeys(fields, "\0\0")
    known = " ".join(
        each.message + each.hint
        for each in run_policy_rules(one, secrets=make_decrypted_secrets(one, **blank))
    )
    assert all(value not in said or value in known or value.isspace() for value in fields.values())


def test_a_secret_object_is_not_changed():
    """The checks only read its value."""
    one, _ = holding(api_key="hunter22")
    kept = Secret("hunter22")
    run_policy_rules(one, secrets={one.file: {("api_key",): kept}})
    assert kept == Secret("hunter22")
