"""The canary plugin detects a leak in every channel, and reports nothing else."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LEAKS = Path(__file__).with_name("leaks.py")
ROOT = LEAKS.parent.parent.parent
TESTS = [
    node.name
    for node in ast.parse(LEAKS.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]
VERDICT = re.compile(r"^(PASSED|FAILED|ERROR) \S+::(\w+)\S*( - a secret)?", re.MULTILINE)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Run the leaking tests in their own pytest; return the outcome of each."""
    words = [
        "-rA",
        "--tb=no",
        "-p",
        "no:schemathesis",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        tmp_path_factory.mktemp("leaks"),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *words, LEAKS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    said: dict[str, list[str]] = {}
    for verdict, name, found in VERDICT.findall(ended.stdout):
        said.setdefault(name, []).append(verdict + found)
    return said


@pytest.mark.parametrize("name", [name for name in TESTS if name.startswith("test_leak")])
def test_leaks_are_caught(verdicts, name):
    """A leaked secret of any kind fails the test in every channel."""
    ran = [said for said in verdicts[name] if said in {"PASSED", "FAILED"}]
    assert len(ran) == (8 if name in {"test_leak_kind", "test_leak_digest"} else 1)
    assert verdicts[name].count("ERROR - a secret") == len(ran)


@pytest.mark.parametrize("name", [name for name in TESTS if name.startswith("test_clean")])
def test_clean_tests_pass(verdicts, name):
    """A test without a leak passes."""
    assert set(verdicts[name]) == {"PASSED"}


def test_every_leak_is_named():
    """Every test in ``leaks.py`` is named as a leak or as clean."""
    assert all(name.startswith(("test_leak", "test_clean")) for name in TESTS)
    assert len(TESTS) > 30
