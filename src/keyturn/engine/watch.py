"""What a run tells while it goes on: three moments, each an empty method to be overridden."""

from keyturn.core.change import Change
from keyturn.core.outcome import Outcome


class Watch:
    """Hears of progress; the command line draws it, tests count it, the engine does neither."""

    def phase(self, name: str, total: int = 0) -> None:
        """Hear that a phase begins, and of how many steps it is if that is known."""

    def began(self, change: Change) -> None:
        """Hear that a change is being made."""

    def ended(self, outcome: Outcome) -> None:
        """Hear how a change ended."""
