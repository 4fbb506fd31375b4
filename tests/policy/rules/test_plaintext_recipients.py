"""Whether policy says who may decrypt a file."""

from sample_policies import list_places, make_settings, run_policy_rules

TEXT = """\
kind: credential
name: prod-x
type: database
secrets: {password: ENC}
"""


def test_a_file_without_recipients_is_reported_at_its_secrets():
    """No path covers it."""
    policy = make_settings({"recipients": {"elsewhere": ["age1example"]}})
    assert list_places("KT376", run_policy_rules(TEXT, policy=policy)) == ["prod-x:4:1"]


def test_a_covered_file_is_accepted():
    """By folder or by glob."""
    for pattern in ("manifests", "manifests/credentials/", "manifests/*/prod-*.yaml"):
        policy = make_settings({"recipients": {pattern: ["age1example"]}})
        assert list_places("KT376", run_policy_rules(TEXT, policy=policy)) == []


def test_missing_recipients_are_reported_once():
    """Only if a file is encrypted."""
    found = run_policy_rules(TEXT, TEXT.replace("prod-x", "prod-y"), policy=make_settings({}))
    assert [str(one.origin) for one in found if one.code == "KT376"] == ["keyturn.yaml:1:1"]
    bare = TEXT.replace("secrets: {password: ENC}\n", "")
    assert list_places("KT376", run_policy_rules(bare, policy=make_settings({}))) == []
