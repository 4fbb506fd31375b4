"""Whether policy says who may decrypt a file."""

from judging import judged, places, settings

TEXT = """\
kind: credential
name: prod-x
type: database
secrets: {password: ENC}
"""


def test_a_file_without_recipients_is_reported_at_its_secrets():
    """No path covers it."""
    policy = settings({"recipients": {"elsewhere": ["age1example"]}})
    assert places("KT376", judged(TEXT, policy=policy)) == ["prod-x:4:1"]


def test_a_covered_file_is_accepted():
    """By folder or by glob."""
    for pattern in ("manifests", "manifests/credentials/", "manifests/*/prod-*.yaml"):
        policy = settings({"recipients": {pattern: ["age1example"]}})
        assert places("KT376", judged(TEXT, policy=policy)) == []


def test_missing_recipients_are_reported_once():
    """Only if a file is encrypted."""
    found = judged(TEXT, TEXT.replace("prod-x", "prod-y"), policy=settings({}))
    assert [str(one.origin) for one in found if one.code == "KT376"] == ["keyturn.yaml:1:1"]
    bare = TEXT.replace("secrets: {password: ENC}\n", "")
    assert places("KT376", judged(bare, policy=settings({}))) == []
