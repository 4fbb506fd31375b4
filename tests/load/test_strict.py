"""jsonschema, stricter: a text ends where it ends, and 5432.0 is no whole number."""

import pytest
from jsonschema import Draft202012Validator

from keyturn.load.definitions import schema
from keyturn.load.strict import strict

PASSWORD = {"kind": "credential", "name": "x", "type": "password", "secrets": {"password": "p"}}
POSTGRES = {"kind": "connection", "name": "x", "type": "postgres"}


@pytest.mark.parametrize(
    ("tree", "kind"),
    [
        ({**PASSWORD, "name": "x\n"}, "credential"),
        ({**POSTGRES, "config": {"port": 5432.0}}, "connection"),
        ({**POSTGRES, "config": {"host": "db\n"}}, "connection"),
    ],
)
def test_what_plain_jsonschema_lets_pass_is_refused(tree, kind):
    """Python's patterns and JSON's numbers are laxer than a file that is checked by its values."""
    assert Draft202012Validator(schema(kind)).is_valid(tree)
    assert not strict(kind).is_valid(tree)


@pytest.mark.parametrize(("tree", "kind"), [(PASSWORD, "credential"), (POSTGRES, "connection")])
def test_what_is_right_stays_right(tree, kind):
    """Nothing else changes."""
    assert strict(kind).is_valid(tree)


def test_true_is_no_whole_number():
    """A boolean is not taken for a number by either."""
    assert not strict("connection").is_valid({**POSTGRES, "config": {"port": True}})
