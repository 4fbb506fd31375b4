"""Exit codes: what a script may rely on."""

DONE = 0
FAULT = 1
CHANGES = 2
PARTIAL = 3
STALE = 4
REFUSED = 5
DENIED = 6
USAGE = 64
BUG = 70
INTERRUPTED = 130
