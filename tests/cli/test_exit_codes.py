"""Exit codes: distinct, and documented."""

from keyturn.cli import exit_codes
from keyturn.cli.exit_codes import ExitWith
from sources import ROOT

CODES = {name: value for name, value in vars(exit_codes).items() if name.startswith("EXIT_")}


def test_exit_codes_are_distinct_and_documented():
    """Each code stands in the reference; 2 is not click's code for wrong usage."""
    page = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    assert len(set(CODES.values())) == len(CODES)
    assert all(f"| {value} |" in page for value in CODES.values())
    assert CODES["EXIT_CHANGES"] == 2
    assert CODES["EXIT_USAGE"] != 2


def test_a_command_ends_with_its_code():
    """The exception carries the exit code."""
    assert ExitWith(exit_codes.EXIT_PARTIAL).code == 3
