"""Protection of the memory and files of the process: no core dumps, no debugger, private new files."""

import os
import resource
import sys
from contextlib import suppress

_PRIVATE_UMASK = 0o077
_PR_SET_DUMPABLE = 4  # linux/prctl.h


def protect_process() -> None:
    """Disable core dumps, deny other processes of the user access to the memory, and set umask 077.

    Child processes inherit the core limit and the umask. Access to memory is denied on Linux only.
    """
    os.umask(_PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # The kernel sends a core dump to a crash handler regardless of the limit, but not of this flag.
        with suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
