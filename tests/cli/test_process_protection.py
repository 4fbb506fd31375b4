"""Core dumps, access to memory and the mode of new files."""

import os
import sys

import pytest

from subprocess_runner import run_command

PROTECTED = """
import ctypes, os, resource
from keyturn.cli.process_protection import protect_process
protect_process()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), oct(os.umask(0)))
"""
ENTRY = """
import sys
from keyturn.cli import main, process_protection
process_protection.protect_process = lambda: print("protected", flush=True)
sys.argv = ["keyturn", *sys.argv[1:]]
main.run_and_exit()
"""


def run_python(tmp_path, code, *words):
    """Run Python code in a fresh process."""
    env = {"PATH": os.defpath, "HOME": str(tmp_path)}
    return run_command([sys.executable, "-c", code, *words], cwd=tmp_path, env=env)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is a call of Linux")
def test_the_process_leaves_no_core_and_no_public_file(tmp_path):
    """Both core limits are 0, the process is not dumpable (PR_GET_DUMPABLE), the umask is 077."""
    assert run_python(tmp_path, PROTECTED).stdout == "(0, 0) 0 0o77\n"


@pytest.mark.parametrize("words", [("plan",), ("--no-color", "validate"), ("secret", "set", "a", "b")])
def test_a_command_that_reads_files_is_protected(tmp_path, words):
    """Before anything else happens."""
    assert run_python(tmp_path, ENTRY, *words).stdout.startswith("protected\n")


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("explain", "KT451"), ()])
def test_a_command_that_prints_text_of_its_own_is_not_slowed_down(tmp_path, words):
    """There is nothing to protect."""
    assert "protected" not in run_python(tmp_path, ENTRY, *words).stdout
