"""What a run cost, in a line for whoever asked for more (--verbose)."""

from keyturn.api.records import RequestStats


def format_request_stats(figures: RequestStats) -> str:
    """Return in a line what a run asked of the service."""
    verbs = ", ".join(f"{count} {verb}" for verb, count in sorted(figures.by_operation.items()))
    waited = f", waited {figures.seconds_waited:.1f} s for the pace" if figures.seconds_waited else ""
    return f"requests: {figures.total_requests} ({verbs}; {figures.retries} repeated){waited}"
