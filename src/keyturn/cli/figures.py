"""What a run cost, in a line for whoever asked for more (--verbose)."""

from keyturn.api.records import Figures


def requests(figures: Figures) -> str:
    """Return in a line what a run asked of the service."""
    verbs = ", ".join(f"{count} {verb}" for verb, count in sorted(figures.by_verb.items()))
    waited = f", waited {figures.waited:.1f} s for the pace" if figures.waited else ""
    return f"requests: {figures.total} ({verbs}; {figures.repeated} repeated){waited}"
