"""The project and the manifests of git's index."""

from types import SimpleNamespace

import pytest

from git_history import commit_all, run_git
from keyturn.manifests.staged import StagedManifests, read_staged_project
from keyturn.model.diagnostic import DiagnosticError
from workspace import Repository

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def ready(tmp_path, age_key, canary):
    """Return a committed repository with a credential."""
    repo = Repository(tmp_path / "repo", age_key, "http://127.0.0.1:9", "org_01staged")
    repo.credential("prod-db", {"password": canary()})
    made = SimpleNamespace(repo=repo)
    commit_all(made)
    return made


def test_the_staged_text_and_its_locations_are_loaded(ready):
    """The file of the working tree is another one."""
    path = ready.repo.root / FILE
    text = path.read_text()
    path.write_text("# one line more\n" + text)
    environment = ready.repo.environment()
    project, staged = read_staged_project(ready.repo.root, environment), StagedManifests()
    loaded = staged.load_manifests(project, project.find_workspace(), (), environment)
    (view,) = loaded.resource_views
    assert view.find_location(("name",)).line == text.split("\n").index("name: prod-db") + 1
    assert staged.texts == {FILE: text}
    assert loaded.files == (FILE,)


def test_problems_of_the_index_are_diagnostics(ready):
    """A link in the place of a manifest."""
    (ready.repo.root / "manifests/prod/link.yaml").symlink_to("credentials/prod-db.yaml")
    run_git(ready, "add", "-A")
    environment = ready.repo.environment()
    project = read_staged_project(ready.repo.root, environment)
    loaded = StagedManifests().load_manifests(project, project.find_workspace(), (), environment)
    assert "KT120" in [each.code for each in loaded.diagnostics]


def test_a_project_file_that_is_not_staged_is_an_error(ready):
    """Or one that is a link."""
    root, environment = ready.repo.root, ready.repo.environment()
    run_git(ready, "rm", "-q", "--cached", "keyturn.yaml")
    with pytest.raises(DiagnosticError) as absent:
        read_staged_project(root, environment)
    (root / "keyturn.yaml").rename(root / "other.yaml")
    (root / "keyturn.yaml").symlink_to("other.yaml")
    run_git(ready, "add", "-A")
    with pytest.raises(DiagnosticError) as linked:
        read_staged_project(root, environment)
    assert [each.value.diagnostics[0].code for each in (absent, linked)] == ["KT001", "KT120"]
