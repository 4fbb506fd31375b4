"""Progress on the error stream."""

import sys

import pytest

from driving import Terminal
from keyturn.api.records import Figures
from keyturn.cli.progress import PATIENCE, Progress, requests
from keyturn.core.change import Action, Change
from keyturn.core.outcome import Ending, Outcome
from making import credential

DB = credential("prod-db")
CHANGE = Change(action=Action.CREATE, address=DB)


def told(monkeypatch, *, tty=False, verbose=False, late=False, ending=Ending.DONE):
    """Return what an apply of one change writes to a stream."""
    stream = Terminal(tty=tty)
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(colour=False, verbose=verbose) as progress:
        if late:
            progress._begun -= 2 * PATIENCE
        progress.phase("plan")
        progress.phase("apply", 1)
        progress.began(CHANGE)
        progress.ended(Outcome(address=DB, action="create", ending=ending))
    return stream.said()


def test_a_quick_run_draws_nothing(monkeypatch):
    """Neither in a log nor on a terminal."""
    assert told(monkeypatch) == ""
    assert told(monkeypatch, tty=True) == ""


def test_a_log_hears_of_what_went_wrong(monkeypatch):
    """A line for each change that did not end well."""
    assert told(monkeypatch, ending=Ending.FAILED) == "create credential/prod-db: failed\n"


def test_a_terminal_sees_a_bar_after_a_while(monkeypatch):
    """And it goes away again."""
    assert "1/1" in told(monkeypatch, tty=True, late=True)


@pytest.mark.parametrize("tty", [True, False])
def test_verbose_tells_all(monkeypatch, tty):
    """Phases, and each change as it begins and ends; no bar in between."""
    assert told(monkeypatch, tty=tty, verbose=True, late=True).splitlines() == [
        "planning",
        "applying, 1 changes",
        "create credential/prod-db …",
        "create credential/prod-db: done",
    ]


def test_requests_are_counted():
    """By what was asked; waiting is said where there was any."""
    figures = Figures(by_verb={"list": 2, "create": 1}, repeated=1, waited=0.0)
    assert requests(figures) == "requests: 3 (1 create, 2 list; 1 repeated)"
    assert requests(Figures(by_verb={}, repeated=0, waited=1.25)).endswith("waited 1.2 s for the pace")
