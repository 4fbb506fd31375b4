"""Whether policy says who may decrypt a file."""

from judging import judged, places, settings

TEXT = """\
kind: credential
name: prod-x
type: database
secrets: {password: ENC}
"""


def test_a_file_outside_every_path_is_found_at_its_secrets():
    """A folder that was forgotten."""
    policy = settings({"recipients": {"elsewhere": ["age1example"]}})
    assert places("KT376", judged(TEXT, policy=policy)) == ["prod-x:4:1"]


def test_a_covered_file_is_silent():
    """By folder or by glob."""
    for pattern in ("manifests", "manifests/credentials/", "manifests/*/prod-*.yaml"):
        policy = settings({"recipients": {pattern: ["age1example"]}})
        assert places("KT376", judged(TEXT, policy=policy)) == []


def test_no_recipients_at_all_is_said_once():
    """One line for the project, and none where nothing is encrypted."""
    found = judged(TEXT, TEXT.replace("prod-x", "prod-y"), policy=settings({}))
    assert [str(one.origin) for one in found if one.code == "KT376"] == ["keyturn.yaml:1:1"]
    bare = TEXT.replace("secrets: {password: ENC}\n", "")
    assert places("KT376", judged(bare, policy=settings({}))) == []
