"""The start of a run."""

import time

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.run_context import create_system_clock, detect_actor, open_run_context


@pytest.mark.parametrize(
    ("surroundings", "who", "url"),
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
def test_a_pipeline_says_who_it_works_for(tmp_path, surroundings, who, url):
    """The lock and the journal name the person and the run."""
    found = detect_actor(tmp_path, surroundings)
    assert (found.who, found.url, found.commit) == (who, url, "")
    assert found.tool.startswith("keyturn ")


def test_at_home_it_is_the_user(tmp_path):
    """Without a pipeline there is a user, and no address."""
    found = detect_actor(tmp_path, {})
    assert found.who
    assert found.host
    assert found.url == ""


def test_the_clock_goes_on():
    """Both clocks move forward, and the one for people has a zone."""
    hands = create_system_clock()
    first = hands.monotonic()
    assert hands.now().tzinfo
    assert hands.monotonic() >= first
    assert abs(hands.now().timestamp() - time.time()) < 5


def test_at_home_it_is_who_is_logged_in(tmp_path):
    """As the environment that was handed in says, not this process's own."""
    assert detect_actor(tmp_path, {"USER": "eve", "LOGNAME": ""}).who == "eve"


def test_a_run_knows_its_doors(office):
    """Service, state and project are those of the workspace; a name that is none is refused."""
    environment = office.repo.environment()
    with open_run_context(office.repo.root, "", environment) as run:
        assert run.workspace.name == "prod"
        assert run.root == office.repo.root
        assert run.new_id() != run.new_id()
    with pytest.raises(DiagnosticError) as caught:
        open_run_context(office.repo.root, "stage", environment)
    assert caught.value.diagnostics[0].code == "KT005"


def test_nothing_but_the_environment_leads_to_a_key(office):
    """A run takes the environment that it is handed, whatever this process has."""
    with pytest.raises(DiagnosticError) as caught:
        open_run_context(office.repo.root, "", {})
    assert caught.value.diagnostics[0].code == "KT030"


def test_no_key_is_used_for_strangers(office):
    """A program in a pipeline is as careful as the command line."""
    with pytest.raises(DiagnosticError) as caught:
        open_run_context(
            office.repo.root, "", office.repo.environment() | {"GITHUB_EVENT_NAME": "pull_request_target"}
        )
    assert caught.value.diagnostics[0].code == "KT031"
