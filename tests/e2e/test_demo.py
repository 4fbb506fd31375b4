"""The demo runs as a new user runs it: real sops, the emulator, and every command of the story."""

import os
import sys

from subprocess_runner import run_command


def test_the_demo_runs_to_its_end(tmp_path):
    """Each command ends as the demo expects it, with an empty home directory."""
    environment = {
        "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}",  # noqa: PTH120
        "HOME": str(tmp_path),
    }
    done = run_command([sys.executable, "-m", "keyturn", "demo"], cwd=tmp_path, env=environment)
    assert done.code == 0, done.stdout[-2000:] + done.stderr
    assert "End of the demo" in done.stdout
    assert done.stdout.count("No changes. The workspace matches the manifests.") >= 1
