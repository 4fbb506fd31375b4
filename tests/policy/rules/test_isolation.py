"""What belongs to different environments or workloads is kept apart."""

import pytest

from sample_policies import list_places, make_settings, make_view, run_policy_rules

PROD = """\
kind: credential
name: prod-crm
type: oauth
labels: {environment: prod, system: crm, owner: sales}
config: {client_id: app-1}
secrets: {client_secret: ENC}
"""
STAGING = PROD.replace("prod", "staging")
USER = """\
kind: connection
name: prod-crm
type: hubspot
labels: {environment: prod, system: crm, owner: sales}
credential: prod-crm
"""
BULK = USER.replace("name: prod-crm", "name: prod-crm-bulk").replace("labels: {", "labels: {workload: bulk, ")
CHAT = USER.replace("name: prod-crm", "name: prod-crm-chat").replace("labels: {", "labels: {workload: chat, ")
OPENAI = """\
kind: connection
name: prod-openai
type: openai
labels: {environment: prod, system: openai, owner: ml, cost_center: c-1}
credential: prod-crm
config: {model: large}
"""
AZURE = OPENAI.replace("name: prod-openai", "name: prod-openai-azure").replace(
    "model: large", "baseUrl: 'https://acme.openai.azure.com'"
)
FILES = ("manifests/credentials/prod-crm.yaml", "manifests/credentials/staging-crm.yaml")
SAME = {(file, ("client_secret",)): "f1" for file in FILES}


@pytest.mark.parametrize(
    ("code", "texts", "expected"),
    [
        ("KT312", [STAGING, USER.replace("credential: prod", "credential: staging")], ["prod-crm:5:13"]),
        ("KT360", [PROD, STAGING], ["staging-crm:5:21"]),
        ("KT363", [PROD, BULK, CHAT], ["prod-crm:2:7"]),
        ("KT366", [PROD, OPENAI, AZURE], ["prod-crm:2:7"]),
        (
            "KT366",
            [PROD, AZURE.replace("{baseUrl", "{vendor: openai, baseUrl")],
            ["prod-openai-azure:3:7", "prod-crm:2:7"],
        ),
    ],
)
def test_a_violation_has_its_location(code, texts, expected):
    """Each rule reports the value to change."""
    assert list_places(code, run_policy_rules(*texts)) == expected


def test_isolated_manifests_are_accepted():
    """Two environments, two apps, separate connections."""
    other = STAGING.replace("app-1", "app-2")
    using = USER.replace("prod", "staging")
    assert run_policy_rules(PROD, other, USER, using) == ()


def test_a_reference_in_config_counts():
    """The credential of a staging area is a reference, too."""
    text = USER + "config: {staging: {credentialId: {ref: credential/staging-crm}}}\n"
    found = run_policy_rules(PROD, STAGING.replace("app-1", "app-2"), text)
    assert list_places("KT312", found) == ["prod-crm:6:34"]


def test_an_unknown_environment_is_accepted():
    """A guess would often be wrong."""
    bare = make_settings({})
    user = USER.replace("name: prod-crm", "name: crm").replace("environment: prod, ", "")
    assert (
        list_places("KT312", run_policy_rules(STAGING, user.replace("l: prod", "l: staging"), policy=bare))
        == []
    )


def test_a_reference_stays_within_its_workspace():
    """Two workspaces may use the same name."""
    far = make_view(STAGING.replace("name: staging", "name: prod"), file="other.yaml", workspace="other")
    assert list_places("KT312", run_policy_rules(far, USER)) == []
    near = make_view(STAGING.replace("name: staging", "name: prod"), file="other.yaml")
    assert list_places("KT312", run_policy_rules(near, USER)) == ["prod-crm:5:13"]


def test_a_secret_in_two_environments_is_reported():
    """Equal fingerprints show it."""
    found = run_policy_rules(PROD, STAGING.replace("app-1", "app-2"), fingerprints=SAME)
    assert list_places("KT361", found) == ["staging-crm:6:11"]
    assert list_places("KT362", found) == []


def test_one_secret_in_two_credentials_of_an_environment_is_a_note():
    """It cannot be rotated for one without the other."""
    twin = PROD.replace("name: prod-crm", "name: prod-crm-two")
    same = {**SAME, ("manifests/credentials/prod-crm-two.yaml", ("client_secret",)): "f1"}
    found = run_policy_rules(PROD, twin, fingerprints=same)
    assert list_places("KT362", found) == ["prod-crm:6:11"]
    assert list_places("KT361", found) == []


def test_a_secret_twice_in_one_credential_is_accepted():
    """Both fields rotate together."""
    fingerprints = {(FILES[0], ("client_secret",)): "f", (FILES[0], ("other",)): "f"}
    assert list_places("KT362", run_policy_rules(PROD, fingerprints=fingerprints)) == []


def test_different_secrets_are_accepted():
    """Different fingerprints."""
    different = {(file, ("client_secret",)): file for file in FILES}
    found = run_policy_rules(PROD, STAGING, fingerprints=different)
    assert list_places("KT361", found) == list_places("KT362", found) == []


def test_an_openai_connection_with_azure_as_its_vendor_is_azure():
    """The vendor says more than the connector's name."""
    azure = OPENAI.replace("model: large", "vendor: azure").replace(
        "name: prod-openai", "name: prod-openai-b"
    )
    assert list_places("KT366", run_policy_rules(PROD, azure)) == []
    assert list_places("KT366", run_policy_rules(PROD, OPENAI, azure)) == ["prod-crm:2:7"]
