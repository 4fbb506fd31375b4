"""The composition root."""

import time

import pytest

from keyturn.cli.wiring import author, clock, open_run, wish
from keyturn.core.diagnostic import Faulty


def test_consents_come_from_options():
    """What was not said is not agreed to."""
    nothing = wish({})
    assert nothing.targets == ()
    assert (nothing.consents.retire, nothing.consents.rotate, nothing.consents.empty) == (-1, -1, False)
    said = wish(
        {
            "targets": ("b", "a"),
            "reassert": ("x",),
            "allow_destination_change": ("d",),
            "adopt": ("*",),
            "allow_reuse": ("r",),
            "allow_restore": ("s",),
            "allow_retire": 3,
            "allow_rotate": 0,
            "allow_empty": True,
        }
    )
    assert said.targets == ("a", "b")
    assert said.reassert == {"x"}
    consents = said.consents
    assert (consents.destinations, consents.reuse, consents.restore) == ({"d"}, {"r"}, {"s"})
    assert consents.adopts("anything")
    assert (consents.retire, consents.rotate, consents.empty) == (3, 0, True)


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
    found = author(tmp_path, surroundings)
    assert (found.who, found.url, found.commit) == (who, url, "")
    assert found.tool.startswith("keyturn ")


def test_at_home_it_is_the_user(tmp_path):
    """Without a pipeline there is a user, and no address."""
    found = author(tmp_path, {})
    assert found.who
    assert found.host
    assert found.url == ""


def test_the_clock_goes_on():
    """Both clocks move forward, and the one for people has a zone."""
    hands = clock()
    first = hands.monotonic()
    assert hands.now().tzinfo
    assert hands.monotonic() >= first
    assert abs(hands.now().timestamp() - time.time()) < 5


def test_a_run_knows_its_doors(office, monkeypatch):
    """Service, ledger and project are those of the workspace; a name that is none is refused."""
    for name, value in office.repo.environment().items():
        monkeypatch.setenv(name, value)
    run = open_run(office.repo.root, "")
    run.service.close()
    assert run.workspace.name == "prod"
    assert run.root == office.repo.root
    assert run.fresh() != run.fresh()
    with pytest.raises(Faulty) as caught:
        open_run(office.repo.root, "stage")
    assert caught.value.findings[0].code == "KT005"
