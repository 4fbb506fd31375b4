"""A pull told."""

import re

import pytest
from hypothesis import given

from keyturn.core.address import Address
from keyturn.core.change import ABSENT, FieldChange
from keyturn.core.pulled import Left, Pulled
from keyturn.render.pulling import draw_pulled, pulled_json, pulled_text, total
from plans import hostile_text
from published import valid

PG = Address("connection", "prod-pg")
DATABASE, HOST = ("config", "database"), ("config", "host")


def test_each_field_is_told():
    """Before and after of what was written; why and the next step of what was not."""
    each = Pulled(
        address=PG,
        file="manifests/prod/connections/prod-pg.yaml",
        written=(FieldChange(DATABASE, "app", "app2", "app"),),
        left=(Left(HOST, "it says where the secret of prod-db goes", "prod-db"),),
        sealed=True,
    )
    lines = pulled_text((each,)).splitlines()
    assert lines[0] == "connection/prod-pg  manifests/prod/connections/prod-pg.yaml"
    assert lines[1] == "  ~ config.database  app → app2"
    assert lines[3] == "  ! config.host  left: it says where the secret of prod-db goes"
    assert lines[4] == "      next  if it is meant: --allow-destination-change prod-db"
    assert lines[-1] == total((each,)) == "Pull: 1 field of 1 file written, 1 left."


def test_no_drift_is_said():
    """One line, which can be parsed."""
    assert pulled_text(()) == "Pull: no drift.\n"


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name and value: no escape reaches the terminal."""
    odd = Pulled(
        address=Address("connection", said),
        file=said,
        written=(FieldChange(("config", said), said, said, said),),
        left=(Left((said,), said, said),),
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", pulled_text((odd,)))


def test_what_was_taken_out_is_told_as_such():
    """With the value that git had."""
    each = Pulled(address=PG, file="f", written=(FieldChange(DATABASE, "app", ABSENT, "app"),))
    assert pulled_text((each,)).splitlines()[1] == "  - config.database  app → gone live"


def test_json_is_as_its_schema_says():
    """References by address, no value that looks like a secret, null for none."""
    written = (
        FieldChange(DATABASE, "app", ABSENT, "app"),
        FieldChange(("credential",), "a", Address("credential", "prod-ro"), Address("credential", "prod-db")),
        FieldChange(("config", "api_key"), "none", "s3cr3t-value", "none"),
    )
    each = Pulled(address=PG, file="f", written=written, left=(Left(HOST, "why"),))
    tree = valid("pull", pulled_json("prod", (each,)))
    assert [one["after"] for one in tree["manifests"][0]["written"]] == [
        None,
        "credential/prod-ro",
        "(hidden: looks like a secret)",
    ]
    assert tree["summary"]["left"] == 1
    assert draw_pulled("prod", (each,), "json") == pulled_json("prod", (each,))
    assert draw_pulled("prod", (each,)) == pulled_text((each,))


def test_there_are_two_forms():
    """Another one is refused by name."""
    with pytest.raises(ValueError, match="text, json"):
        draw_pulled("prod", (), "html")
