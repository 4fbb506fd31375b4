"""A pull told."""

import re

import pytest
from hypothesis import given

from keyturn.model.address import Address
from keyturn.model.change import MISSING, FieldChange
from keyturn.model.results import PullResult, SkippedField
from keyturn.views.reports.import_pull import render_pull, render_pull_json, render_pull_text, summarize_pull
from plans import hostile_text
from published import valid

PG = Address("connection", "prod-pg")
DATABASE, HOST = ("config", "database"), ("config", "host")


def test_each_field_is_told():
    """Before and after of what was written; why and the next step of what was not."""
    each = PullResult(
        address=PG,
        file="manifests/prod/connections/prod-pg.yaml",
        written=(FieldChange(DATABASE, "app", "app2", "app"),),
        skipped=(SkippedField(HOST, "the field determines where the secret of prod-db is sent", "prod-db"),),
        resealed=True,
    )
    lines = render_pull_text((each,)).splitlines()
    assert lines[0] == "connection/prod-pg  manifests/prod/connections/prod-pg.yaml"
    assert lines[1] == "  ~ config.database  app → app2"
    assert lines[3] == "  ! config.host  left: the field determines where the secret of prod-db is sent"
    assert lines[4] == "      next  if it is meant: --allow-destination-change prod-db"
    assert lines[-1] == summarize_pull((each,)) == "Pull: 1 field of 1 file written, 1 left."


def test_no_drift_is_said():
    """One line, which can be parsed."""
    assert render_pull_text(()) == "Pull: no drift.\n"


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name and value: no escape reaches the terminal."""
    odd = PullResult(
        address=Address("connection", said),
        file=said,
        written=(FieldChange(("config", said), said, said, said),),
        skipped=(SkippedField((said,), said, said),),
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", render_pull_text((odd,)))


def test_what_was_taken_out_is_told_as_such():
    """With the value that git had."""
    each = PullResult(address=PG, file="f", written=(FieldChange(DATABASE, "app", MISSING, "app"),))
    assert render_pull_text((each,)).splitlines()[1] == "  - config.database  app → gone live"


def test_json_is_as_its_schema_says():
    """References by address, no value that looks like a secret, null for none."""
    written = (
        FieldChange(DATABASE, "app", MISSING, "app"),
        FieldChange(("credential",), "a", Address("credential", "prod-ro"), Address("credential", "prod-db")),
        FieldChange(("config", "api_key"), "none", "s3cr3t-value", "none"),
    )
    each = PullResult(address=PG, file="f", written=written, skipped=(SkippedField(HOST, "why"),))
    tree = valid("pull", render_pull_json("prod", (each,)))
    assert [one["after"] for one in tree["manifests"][0]["written"]] == [
        None,
        "credential/prod-ro",
        "(hidden: looks like a secret)",
    ]
    assert tree["summary"]["left"] == 1
    assert render_pull("prod", (each,), "json") == render_pull_json("prod", (each,))
    assert render_pull("prod", (each,)) == render_pull_text((each,))


def test_there_are_two_forms():
    """Another one is refused by name."""
    with pytest.raises(ValueError, match="text, json"):
        render_pull("prod", (), "html")
