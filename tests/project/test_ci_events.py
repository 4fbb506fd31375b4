"""Events under which no key is used."""

import json

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.ci_events import TRUST_OVERRIDE, find_untrusted_event, reject_untrusted_event


def event(tmp_path, head, base="acme/x"):
    """Return what GitHub tells of a pull request from ``head`` to ``base``."""
    path = tmp_path / "event.json"
    tree = {"pull_request": {"head": {"repo": {"full_name": head}}, "base": {"repo": {"full_name": base}}}}
    path.write_text(json.dumps(tree))
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}


@pytest.mark.parametrize(
    "surroundings",
    [
        {},
        {"GITHUB_EVENT_NAME": "push"},
        {"GITHUB_EVENT_NAME": "schedule"},
        {"GITHUB_EVENT_NAME": "workflow_dispatch"},
        {"GITHUB_EVENT_NAME": "merge_group"},
        {"CI_PIPELINE_SOURCE": "web"},
        {"CI_PROJECT_PATH": "acme/x"},
        {"CI_PROJECT_PATH": "acme/x", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "acme/x"},
    ],
)
def test_an_event_of_the_project_is_trusted(surroundings):
    """A local run, a push, a merge request within the project."""
    assert find_untrusted_event(surroundings) == ""
    reject_untrusted_event(surroundings)


def test_a_pull_request_within_the_repository_is_trusted(tmp_path):
    """Head and base are one repository."""
    assert find_untrusted_event(event(tmp_path, "acme/x")) == ""


def test_a_pull_request_from_a_fork_is_not_trusted(tmp_path):
    """Anybody can open one."""
    surroundings = event(tmp_path, "eve/x")
    assert "fork" in find_untrusted_event(surroundings)
    with pytest.raises(DiagnosticError) as caught:
        reject_untrusted_event(surroundings)
    assert caught.value.diagnostics[0].code == "KT031"
    reject_untrusted_event(surroundings | {TRUST_OVERRIDE: "1"})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pull_request": {"head": {"repo": null}}}'])
def test_an_unreadable_event_is_not_trusted(tmp_path, content):
    """A deleted fork, or an event in another format."""
    surroundings = event(tmp_path, "acme/x")
    (tmp_path / "event.json").write_text(content)
    assert find_untrusted_event(surroundings)


def test_pull_request_target_is_not_trusted():
    """It runs files of the pull request with the secrets of the base repository."""
    assert find_untrusted_event({"GITHUB_EVENT_NAME": "pull_request_target"})


@pytest.mark.parametrize(
    "surroundings",
    [
        {"GITHUB_EVENT_NAME": "workflow_run"},
        {"GITHUB_EVENT_NAME": "issue_comment"},
        {"GITHUB_EVENT_NAME": "pull_request_review"},
        {"GITHUB_EVENT_NAME": "an_event_of_the_future"},
        {"CI_PIPELINE_SOURCE": "trigger"},
        {"CI_PIPELINE_SOURCE": "external_pull_request_event"},
    ],
)
def test_an_event_that_is_not_listed_is_not_trusted(surroundings):
    """The message names the trusted events."""
    assert "push, schedule" in find_untrusted_event(surroundings)
    reject_untrusted_event(surroundings | {TRUST_OVERRIDE: "1"})


def test_a_merge_request_from_a_fork_is_not_trusted():
    """GitLab provides both projects."""
    assert find_untrusted_event(
        {"CI_PROJECT_PATH": "acme/x", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "eve/x"}
    )
