"""keyturn explain."""

import pytest
from click.testing import CliRunner

from keyturn.catalog import find_code, load_catalog
from keyturn.cli.commands.explain import explain_command


def test_without_a_code_all_are_listed():
    """One line each, sorted."""
    lines = CliRunner().invoke(explain_command, [], obj=False).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(load_catalog())


@pytest.mark.parametrize("code", ["KT451", "kt451"])
def test_a_code_is_explained(code):
    """What, why and how, folded for a terminal."""
    said = CliRunner().invoke(explain_command, [code], obj=False).stdout
    entry = find_code("KT451")
    assert said.startswith(f"KT451: {entry.title}\n")
    assert entry.why.split()[0] in said
    assert " ".join(entry.fix.split()) in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 100


def test_a_code_that_is_none():
    """The nearest one is named."""
    done = CliRunner().invoke(explain_command, ["KT0451"], obj=False)
    assert done.exit_code == 2
    assert "did you mean KT" in done.stderr
