"""Files of git's index."""

import subprocess

import pytest

from keyturn.files.text import MAX_FILE_BYTES
from keyturn.git.index import INDEX_VARIABLE, read_staged_files
from keyturn.git.process import build_git_environment
from keyturn.model.diagnostic import DiagnosticError

IDENTITY = {f"GIT_{role}_{part}": "t" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


@pytest.fixture
def environment(tmp_path_factory):
    """Return an environment for git, without the settings of the user."""
    home = tmp_path_factory.mktemp("home")
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def git(tmp_path, environment):
    """Return a function that runs git in a new repository."""

    def run(*words, check=True, **more):
        env = build_git_environment(environment) | IDENTITY | more
        subprocess.run(["git", *words], cwd=tmp_path, env=env, check=check, capture_output=True)

    run("init", "-q", "-b", "main")
    return run


def write(root, path, text="a: 1\n"):
    """Write a file."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def staged(root, environment, *paths):
    """Return the staged texts by path, and the codes of the diagnostics by path."""
    files = read_staged_files(root, paths or ("m",), environment)
    texts = {source.relative: source.data.decode() for source in files.sources}
    return texts, {each.origin.file: each.code for each in files.diagnostics}


def test_the_index_is_read_and_not_the_working_tree(tmp_path, git, environment):
    """Partially staged, deleted and untracked files."""
    for name in ("kept", "partial", "deleted", "removed"):
        write(tmp_path, f"m/{name}.yaml", f"{name}\n")
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    write(tmp_path, "m/partial.yaml", "staged\n")
    write(tmp_path, "m/x [1].yaml", "odd\n")
    git("add", "-A")
    write(tmp_path, "m/partial.yaml", "later\n")
    write(tmp_path, "m/untracked.yaml", "draft\n")
    (tmp_path / "m/deleted.yaml").unlink()
    git("rm", "-q", "--cached", "m/removed.yaml")
    texts, codes = staged(tmp_path, environment)
    assert texts == {
        "m/deleted.yaml": "deleted\n",
        "m/kept.yaml": "kept\n",
        "m/partial.yaml": "staged\n",
        "m/x [1].yaml": "odd\n",
    }
    assert codes == {}


def test_only_manifests_and_named_files_are_read(tmp_path, git, environment):
    """Hidden files and other suffixes are none; a copy is reported."""
    for name in (
        "m/a.yaml",
        "m/.b.yaml",
        "m/.c/d.yaml",
        "m/notes.txt",
        "m/a.yaml.bak",
        "other/e.yaml",
        "k.yaml",
    ):
        write(tmp_path, name)
    git("add", "-A")
    texts, codes = staged(tmp_path, environment, "m", "k.yaml")
    assert set(texts) == {"m/a.yaml", "k.yaml"}
    assert codes == {"m/a.yaml.bak": "KT125"}


def test_what_no_manifest_may_be_is_reported(tmp_path, git, environment):
    """Links, too large files and names that differ in case."""
    write(tmp_path, "m/a.yaml")
    write(tmp_path, "m/A.yaml")
    write(tmp_path, "m/large.yaml", "#" * (MAX_FILE_BYTES + 1))
    (tmp_path / "m/link.yaml").symlink_to("a.yaml")
    git("add", "-A")
    texts, codes = staged(tmp_path, environment)
    assert set(texts) == {"m/a.yaml", "m/A.yaml"}
    assert codes == {"m/link.yaml": "KT120", "m/large.yaml": "KT104", "m/a.yaml": "KT122"}


def test_an_unresolved_conflict_is_reported_once(tmp_path, git, environment):
    """The index has three versions of the file."""
    write(tmp_path, "m/a.yaml", "base\n")
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    git("checkout", "-q", "-b", "other")
    write(tmp_path, "m/a.yaml", "theirs\n")
    git("commit", "-qam", "x")
    git("checkout", "-q", "main")
    write(tmp_path, "m/a.yaml", "ours\n")
    git("commit", "-qam", "x")
    git("merge", "-q", "other", check=False)
    assert staged(tmp_path, environment) == ({}, {"m/a.yaml": "KT103"})


def test_a_hook_may_have_an_index_of_its_own(tmp_path, git, environment):
    """``git commit PATH`` names it, absolute or relative to the top."""
    write(tmp_path, "sub/m/a.yaml")
    git("add", "-A", **{INDEX_VARIABLE: str(tmp_path / "other-index")})
    assert staged(tmp_path / "sub", environment) == ({}, {})
    for name in (str(tmp_path / "other-index"), "other-index"):
        texts, _ = staged(tmp_path / "sub", {**environment, INDEX_VARIABLE: name})
        assert texts == {"m/a.yaml": "a: 1\n"}


def test_without_a_repository_there_is_no_index(tmp_path, environment):
    """KT007 says so."""
    with pytest.raises(DiagnosticError) as caught:
        read_staged_files(tmp_path, ("m",), environment)
    assert [each.code for each in caught.value.diagnostics] == ["KT007"]
