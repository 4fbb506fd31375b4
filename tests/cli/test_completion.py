"""keyturn completion."""

import pytest

from cli_in_process import run_in_process

PATH = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(tmp_path, shell):
    """It asks keyturn itself, each time."""
    done = run_in_process(["completion", shell], cwd=tmp_path, env=PATH)
    assert done.code == 0, done.stderr
    assert f"_KEYTURN_COMPLETE={shell}_complete" in done.stdout


def test_another_shell_is_usage(tmp_path):
    """With the ones that there are."""
    done = run_in_process(["completion", "tcsh"], cwd=tmp_path, env=PATH)
    assert done.code == 64
    assert "fish" in done.stderr
