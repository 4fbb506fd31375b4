"""Groups that help whoever names no command, or a wrong one."""

import click
import pytest
from click.testing import CliRunner

from keyturn.cli.main import SuggestingGroup


@click.group(cls=SuggestingGroup)
def group():
    """Do things."""


@group.command("apply")
def _apply():
    """Apply."""
    click.echo("applied")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 64, "Commands:"),
        (["aply"], 2, "there is no command 'aply'; did you mean apply?"),
        (["xyzzy"], 2, "there is no command 'xyzzy'"),
        (["a\x1b[2J"], 2, "'a\\x1b[2J'"),
        (["apply"], 0, "applied"),
        (["--help"], 0, "Commands:"),
    ],
)
def test_words(words, code, said):
    """The help for nothing, a guess for a mistake; click's own 2 becomes 64 where the process ends."""
    result = CliRunner().invoke(group, words)
    assert result.exit_code == code
    assert said in result.output


def test_no_guess_for_what_is_like_nothing():
    """A guess out of the blue would mislead."""
    assert "did you mean" not in CliRunner().invoke(group, ["xyzzy"]).output
