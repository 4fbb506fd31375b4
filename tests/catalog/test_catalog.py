"""The catalog of diagnostic codes."""

import subprocess
import sys

import pytest

from keyturn.catalog import Code, find_code, load_catalog
from keyturn.cli import exit_codes


@pytest.mark.parametrize(
    ("fix", "hint"),
    [
        ("Run `keyturn plan` again.", "run `keyturn plan` again"),
        ("Remove it. Then set it again.", "remove it. Then set it again"),
        ("`keyturn doctor` says more (see KT020)", "`keyturn doctor` says more (see KT020)"),
    ],
)
def test_hint_is_the_fix_as_a_phrase(fix, hint):
    """The catalog has a sentence, and a diagnostic shows a phrase."""
    assert Code(title="a title", why="Why.", fix=fix, exit_code=1).hint == hint


def test_unknown_code():
    """An unknown code raises."""
    with pytest.raises(KeyError):
        find_code("KT999")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("KT131", exit_codes.EXIT_ERROR),
        ("KT031", exit_codes.EXIT_REFUSED),
        ("KT250", exit_codes.EXIT_REFUSED),
        ("KT310", exit_codes.EXIT_REFUSED),
        ("KT451", exit_codes.EXIT_REFUSED),
        ("KT463", exit_codes.EXIT_ERROR),
        ("KT502", exit_codes.EXIT_UNAUTHORIZED),
        ("KT610", exit_codes.EXIT_STALE),
    ],
)
def test_exit_code_of_an_error(code, expected):
    """Policy and integrity: refused; lock or change: stale; others: input."""
    assert find_code(code).exit_code == expected


def test_every_exit_code_is_one_of_an_error():
    """No exit code of an error has another meaning for scripts."""
    used = {entry.exit_code for entry in load_catalog().values()}
    assert used == {
        exit_codes.EXIT_ERROR,
        exit_codes.EXIT_STALE,
        exit_codes.EXIT_REFUSED,
        exit_codes.EXIT_UNAUTHORIZED,
    }


def test_texts_load_only_on_use():
    """A command without diagnostics neither imports the TOML parser nor reads the file."""
    program = (
        "import sys; from keyturn import catalog; before = 'tomllib' in sys.modules; "
        "catalog.load_catalog(); print(before, 'tomllib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
