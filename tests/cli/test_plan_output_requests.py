"""What a run cost."""

from keyturn.cli.plan_output import format_request_stats
from keyturn.client.records import RequestStats


def test_requests_are_counted():
    """By what was asked; waiting is said where there was any."""
    figures = RequestStats(by_operation={"list": 2, "create": 1}, retries=1, seconds_waited=0.0)
    assert format_request_stats(figures) == "requests: 3 (1 create, 2 list; 1 repeated)"
    assert format_request_stats(RequestStats(by_operation={}, retries=0, seconds_waited=1.25)).endswith(
        "waited 1.2 s for the rate limit"
    )
