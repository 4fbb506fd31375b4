"""The text files of a new repository."""

import pytest
import yaml

from keyturn.operations.init_templates import (
    EXAMPLE_CONNECTION,
    GITHUB_WORKFLOW,
    PRE_COMMIT_CONFIG,
    InitOptions,
    render_gitignore,
    render_project_file,
    render_sops_rules,
)

CHOICE = InitOptions(workspace="stage", base_url="https://a.example", organization="org_x", recipient="age1x")


def test_the_project_is_what_was_chosen():
    """Every choice stands where it belongs."""
    tree = yaml.safe_load(render_project_file(CHOICE))
    assert tree["workspaces"]["stage"]["base_url"] == "https://a.example"
    assert tree["workspaces"]["stage"]["organization"] == "org_x"
    assert tree["policy"]["recipients"]["manifests/stage"] == ["age1x"]
    assert tree["policy"]["seal"] == "required"


def test_the_rules_of_sops_name_every_place_and_no_other():
    """No rule matches everything: what is forgotten fails instead of being written in clear."""
    rules = yaml.safe_load(render_sops_rules(CHOICE))["creation_rules"]
    assert all(
        rule["path_regex"].startswith("^") and rule["encrypted_regex"] == "^secrets$" for rule in rules
    )
    assert ".keyturn/stage/" in render_gitignore(CHOICE)


@pytest.mark.parametrize(
    "text", [PRE_COMMIT_CONFIG, GITHUB_WORKFLOW, EXAMPLE_CONNECTION.format(name="a", workspace="b")]
)
def test_they_are_yaml(text):
    """As every tool will read them."""
    assert yaml.safe_load(text)


def test_the_workflow_takes_as_little_as_it_can():
    """Read rights, pinned actions, no secret where a pull request runs."""
    tree = yaml.safe_load(GITHUB_WORKFLOW)
    assert tree["permissions"] == {"contents": "read"}
    steps = [step for job in tree["jobs"].values() for step in job["steps"]]
    assert all(len(step["uses"].split("@")[1]) == 40 for step in steps if "uses" in step)
    assert "secrets." not in str(tree["jobs"]["validate"])
    assert tree["jobs"]["apply"]["if"] == "github.event_name == 'push'"
