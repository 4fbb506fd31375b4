"""The templates of a new repository."""

import pytest
import yaml
from msgspec.structs import replace

from keyturn.operations.setup.init_templates import (
    EXAMPLE_CONNECTION,
    GITHUB_WORKFLOW,
    PRE_COMMIT_CONFIG,
    InitOptions,
    render_github_workflow,
    render_gitignore,
    render_gitlab_pipeline,
    render_project_file,
    render_sops_rules,
)

OPTIONS = InitOptions(
    workspace="stage", base_url="https://a.example", organization="org_x", recipient="age1x"
)


def test_the_project_file_has_the_options():
    """Workspace, organization, recipients and seal."""
    tree = yaml.safe_load(render_project_file(OPTIONS))
    assert tree["workspaces"]["stage"]["base_url"] == "https://a.example"
    assert tree["workspaces"]["stage"]["organization"] == "org_x"
    assert tree["policy"]["recipients"]["manifests/stage"] == ["age1x"]
    assert tree["policy"]["seal"] == "required"


def test_the_creation_rules_are_anchored():
    """No rule matches every path: a path without a rule is refused."""
    rules = yaml.safe_load(render_sops_rules(OPTIONS))["creation_rules"]
    assert all(
        rule["path_regex"].startswith("^") and rule["encrypted_regex"] == "^secrets$" for rule in rules
    )
    assert ".keyturn/stage/" in render_gitignore(OPTIONS)


@pytest.mark.parametrize(
    "text", [PRE_COMMIT_CONFIG, GITHUB_WORKFLOW, EXAMPLE_CONNECTION.format(name="a", workspace="b")]
)
def test_templates_are_yaml(text):
    """They parse."""
    assert yaml.safe_load(text)


def test_the_workflow_has_minimal_rights():
    """Read permission, pinned actions, no secret in the job of pull requests."""
    tree = yaml.safe_load(GITHUB_WORKFLOW)
    assert tree["permissions"] == {"contents": "read"}
    steps = [step for job in tree["jobs"].values() for step in job["steps"]]
    assert all(len(step["uses"].split("@")[1]) == 40 for step in steps if "uses" in step)
    assert "secrets." not in str(tree["jobs"]["validate"])
    assert tree["jobs"]["apply"]["if"] == "github.event_name == 'push'"


@pytest.mark.parametrize("render", [render_github_workflow, render_gitlab_pipeline])
def test_each_apply_has_the_key_id_of_its_workspace(render):
    """The definition of a job names the key; without a key, the line says where its ID comes from."""
    ids = {"stage": "SHA256:stage", "live": "SHA256:live"}
    single = render(replace(OPTIONS, key_ids=ids))
    assert single.count('KEYTURN_KEY_ID: "SHA256:stage"') == 1
    both = render(replace(OPTIONS, key_ids=ids, further_workspaces=(("live", "org_y"),)))
    assert [both.index(f'KEYTURN_KEY_ID: "{key}"') for key in ids.values()] == sorted(
        both.index(f'KEYTURN_KEY_ID: "{key}"') for key in ids.values()
    )
    assert yaml.safe_load(both)
    assert 'KEYTURN_KEY_ID: "" # the ID that' in render(OPTIONS)
