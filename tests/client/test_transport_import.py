"""The import of httpx."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("first", "kept"),
    [("", False), ("import httpx, rich.console", True)],
    ids=["first import", "earlier import"],
)
def test_the_command_line_of_httpx_is_not_imported(first, kept):
    """An earlier import of httpx stays complete, and a later one works."""
    code = (
        f"{first}\n"
        "import sys\n"
        "from keyturn.client.transport import httpx\n"
        "assert issubclass(httpx.ConnectError, Exception)\n"
        f"assert ('rich' in sys.modules, 'httpx._main' in sys.modules) == ({kept}, {kept})\n"
        "import httpx._main\n"
        "assert httpx._main.main\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
