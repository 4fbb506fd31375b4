"""keyturn schema."""

import json

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from keyturn.cli.commands.schema import schema_command
from sources import ROOT


@pytest.mark.parametrize("name", sorted(each.name.split(".")[0] for each in ROOT.glob("schemas/*.json")))
def test_every_schema_is_printed(name):
    """As it is shipped, and a schema of draft 2020-12."""
    done = CliRunner().invoke(schema_command, [name], obj=False)
    assert done.exit_code == 0
    Draft202012Validator.check_schema(json.loads(done.stdout))
    assert name in CliRunner().invoke(schema_command, [], obj=False).stdout.split()


def test_another_name():
    """Those that there are are listed."""
    done = CliRunner().invoke(schema_command, ["credentials"], obj=False)
    assert done.exit_code == 2
    assert "connection, credential" in done.stderr
