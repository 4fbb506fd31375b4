"""Exit codes of the command line. docs/reference/exit-codes.md explains each."""

EXIT_DONE = 0
EXIT_ERROR = 1
EXIT_CHANGES = 2
EXIT_PARTIAL = 3
EXIT_STALE = 4
EXIT_REFUSED = 5
EXIT_UNAUTHORIZED = 6
EXIT_USAGE = 64
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class ExitWith(Exception):
    """Raised by a command that has printed its result and exits with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
