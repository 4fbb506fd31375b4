"""httpx as a library: without the command line that it brings along.

Where rich and pygments are installed, ``import httpx`` imports them as well, for a command that
nobody runs from here: a tenth of all that a plan imports. httpx is prepared to do without it.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: not to be imported
import httpx as httpx  # noqa: E402, PLC0414  # the one place that imports it

if sys.modules["httpx._main"] is None:
    del sys.modules["httpx._main"]
