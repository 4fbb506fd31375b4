"""Opening a run."""

import time

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.run_context import create_system_clock, detect_actor, open_client, open_run_context
from keyturn.project.project import open_project


@pytest.mark.parametrize(
    ("environment", "who", "url"),
    [
        (
            {
                "GITHUB_ACTOR": "ada",
                "GITHUB_SERVER_URL": "https://git.example",
                "GITHUB_REPOSITORY": "acme/x",
                "GITHUB_RUN_ID": "7",
            },
            "ada",
            "https://git.example/acme/x/actions/runs/7",
        ),
        ({"GITLAB_USER_LOGIN": "bob", "CI_JOB_URL": "https://lab.example/1"}, "bob", "https://lab.example/1"),
    ],
)
def test_the_actor_of_a_ci_job(tmp_path, environment, who, url):
    """The user and the URL of the job."""
    found = detect_actor(tmp_path, environment)
    assert (found.who, found.url, found.commit) == (who, url, "")
    assert found.tool.startswith("keyturn ")


def test_the_actor_without_environment(tmp_path):
    """The local user, without a URL."""
    found = detect_actor(tmp_path, {})
    assert found.who
    assert found.host
    assert found.url == ""


def test_the_system_clock_advances():
    """The wall clock has a time zone."""
    clock = create_system_clock()
    first = clock.monotonic()
    assert clock.now().tzinfo
    assert clock.monotonic() >= first
    assert abs(clock.now().timestamp() - time.time()) < 5


def test_the_actor_comes_from_the_given_environment(tmp_path):
    """Not from the environment of this process."""
    assert detect_actor(tmp_path, {"USER": "eve", "LOGNAME": ""}).who == "eve"


def test_a_run_belongs_to_a_workspace(setup):
    """An unknown workspace raises KT005."""
    environment = setup.repo.environment()
    with open_run_context(setup.repo.root, "", environment) as run:
        assert run.workspace.name == "prod"
        assert run.root == setup.repo.root
        assert run.new_id() != run.new_id()
    with pytest.raises(DiagnosticError) as caught:
        open_run_context(setup.repo.root, "stage", environment)
    assert caught.value.diagnostics[0].code == "KT005"


def test_the_key_comes_from_the_given_environment(setup):
    """Not from the environment of this process."""
    with pytest.raises(DiagnosticError) as caught:
        open_run_context(setup.repo.root, "", {})
    assert caught.value.diagnostics[0].code == "KT030"


def test_untrusted_ci_events_are_rejected(setup):
    """A library user gets the same check as the command line."""
    with pytest.raises(DiagnosticError) as caught:
        open_run_context(
            setup.repo.root, "", setup.repo.environment() | {"GITHUB_EVENT_NAME": "pull_request_target"}
        )
    assert caught.value.diagnostics[0].code == "KT031"


def test_no_client_for_an_untrusted_ci_event(setup):
    """`revoke` opens a client without a run."""
    project = open_project(setup.repo.root)
    environment = setup.repo.environment() | {"GITHUB_EVENT_NAME": "issue_comment"}
    with pytest.raises(DiagnosticError) as caught:
        open_client(project, project.find_workspace(), environment)
    assert caught.value.diagnostics[0].code == "KT031"
