"""keyturn merge-file."""

import pytest


@pytest.fixture
def versions(setup):
    """Return a setup with three versions of a plain file."""
    for name, text in (
        ("base", "a: 1\n\n\nb: 2\n"),
        ("ours", "a: 9\n\n\nb: 2\n"),
        ("theirs", "a: 1\n\n\nb: 8\n"),
    ):
        (setup.repo.root / name).write_text(text)
    return setup


def test_the_result_replaces_ours(versions):
    """As git expects it of a merge driver."""
    done = versions.run("merge-file", "base", "ours", "theirs", "manifests/prod/x.yaml")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    assert (versions.repo.root / "ours").read_text() == "a: 9\n\n\nb: 8\n"
    assert (versions.repo.root / "theirs").read_text() == "a: 1\n\n\nb: 8\n"


def test_a_conflict_exits_1_with_the_way_out(versions):
    """Markers in the file, words on standard error."""
    (versions.repo.root / "theirs").write_text("a: 7\n\n\nb: 2\n")
    done = versions.run("merge-file", "base", "ours", "theirs", "manifests/prod/x.yaml")
    assert done.code == 1
    assert "conflict in manifests/prod/x.yaml: both sides changed the same lines" in done.stderr
    assert "<<<<<<< ours" in (versions.repo.root / "ours").read_text()


def test_a_missing_version_is_wrong_usage(versions):
    """Git always has all three."""
    assert versions.run("merge-file", "base", "ours", "absent", "x.yaml").code == 64
