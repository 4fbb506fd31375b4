"""What ends on a certain day, as far as it is written in the open."""

from datetime import date, timedelta

import pytest

from certificates import make_certificate
from sample_policies import TODAY, list_places, run_policy_rules

TEXT = """\
kind: credential
name: prod-fabric
type: azure
labels: {environment: prod, system: fabric, owner: data, expires: "2026-12-31"}
config: {tenant_id: t, client_id: c}
secrets: {client_secret: ENC}
"""


def test_a_distant_expiry_is_accepted():
    """It is recorded and not near."""
    assert run_policy_rules(TEXT, complete=False) == ()


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (TODAY - timedelta(1), ["KT322"]),
        (TODAY, ["KT323"]),
        (TODAY + timedelta(30), ["KT323"]),
        (TODAY + timedelta(31), []),
    ],
)
def test_expiry_is_exact_to_the_day(day, expected):
    """Expired from the day after; near within the days of notice."""
    found = run_policy_rules(TEXT.replace("2026-12-31", day.isoformat()), complete=False)
    assert [finding.code for finding in found] == expected
    assert [str(finding.origin) for finding in found] == [
        "manifests/credentials/prod-fabric.yaml:4:67" for _ in expected
    ]


@pytest.mark.parametrize("secret", ["client_secret", "sas_token"])
def test_an_azure_secret_without_a_recorded_expiry_is_reported(secret):
    """Nothing else warns before it fails."""
    text = TEXT.replace(', expires: "2026-12-31"', "").replace("client_secret", secret)
    assert list_places("KT324", run_policy_rules(text, complete=False)) == ["prod-fabric:6:11"]


def test_an_azure_certificate_needs_no_record():
    """It contains its expiry."""
    text = TEXT.replace(', expires: "2026-12-31"', "").replace("client_secret", "certificate")
    assert list_places("KT324", run_policy_rules(text, complete=False)) == []


@pytest.mark.parametrize("text", ["soon", "31.12.2026", "2026-02-30", ""])
def test_an_invalid_date_is_reported(text):
    """It would have no effect."""
    assert list_places("KT328", run_policy_rules(TEXT.replace("2026-12-31", text), complete=False)) == [
        "prod-fabric:4:67"
    ]


def test_a_plain_certificate_is_read():
    """A CA certificate in the settings of a connection."""
    pem = make_certificate(last=date(2026, 3, 10)).pem.replace("\n", "\n    ")
    text = f"""\
kind: connection
name: prod-db
type: postgres
labels: {{environment: prod, system: db, owner: data}}
config:
  host: db.acme.com
  sslMode: verify-full
  caCertificate: |
    {pem}
"""
    found = run_policy_rules(text, complete=False)
    assert list_places("KT323", found) == ["prod-db:8:18"]
    assert found[0].message == "certificate (field caCertificate): expires on 2026-03-10, in 9 days"
    assert list_places("KT322", run_policy_rules(text, today=date(2026, 3, 11), complete=False)) == [
        "prod-db:8:18"
    ]
