"""What a run cost."""

from keyturn.api.records import Figures
from keyturn.cli.figures import requests


def test_requests_are_counted():
    """By what was asked; waiting is said where there was any."""
    figures = Figures(by_verb={"list": 2, "create": 1}, repeated=1, waited=0.0)
    assert requests(figures) == "requests: 3 (1 create, 2 list; 1 repeated)"
    assert requests(Figures(by_verb={}, repeated=0, waited=1.25)).endswith("waited 1.2 s for the pace")
