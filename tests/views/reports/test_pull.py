"""The report of a pull."""

import re

from hypothesis import given

from keyturn.model.address import Address
from keyturn.model.change import MISSING, FieldChange
from keyturn.model.results import PullResult, SkippedField
from keyturn.views.reports.pull import render_pull
from published_schemas import parse_valid
from sample_plans import hostile_texts

PG = Address("connection", "prod-pg")
DATABASE, HOST = ("config", "database"), ("config", "host")


def test_text_has_a_line_for_each_field():
    """The old and new value of a written field; the reason and next step of a skipped one."""
    each = PullResult(
        address=PG,
        file="manifests/prod/connections/prod-pg.yaml",
        written=(FieldChange(DATABASE, "app", "app2", "app"),),
        skipped=(SkippedField(HOST, "the field determines where the secret of prod-db is sent", "prod-db"),),
        resealed=True,
    )
    lines = render_pull("prod", (each,)).splitlines()
    assert lines[0] == "connection/prod-pg  manifests/prod/connections/prod-pg.yaml"
    assert lines[1] == "  ~ config.database  app → app2"
    assert lines[3] == "  ! config.host  skipped: the field determines where the secret of prod-db is"
    assert lines[5] == "      next  to allow this, pass --allow-destination-change prod-db"
    assert lines[-1] == "Pull: 1 field of 1 file written, 1 skipped."


def test_summary_without_drift():
    """One line."""
    assert render_pull("prod", ()) == "Pull: no drift.\n"


@given(hostile_texts())
def test_any_text_is_harmless(text):
    """No control characters, no CI runner command."""
    odd = PullResult(
        address=Address("connection", text),
        file=text,
        written=(FieldChange(("config", text), text, text, text),),
        skipped=(SkippedField((text,), text, text),),
    )
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", render_pull("prod", (odd,))
    )


def test_a_removed_field_has_its_old_value():
    """The new value is a marker."""
    each = PullResult(address=PG, file="f", written=(FieldChange(DATABASE, "app", MISSING, "app"),))
    assert render_pull("prod", (each,)).splitlines()[1] == "  - config.database  app → (removed)"


def test_json_fits_its_schema():
    """References by address, possible secrets hidden, null for a missing value."""
    written = (
        FieldChange(DATABASE, "app", MISSING, "app"),
        FieldChange(("credential",), "a", Address("credential", "prod-ro"), Address("credential", "prod-db")),
        FieldChange(("config", "api_key"), "none", "s3cr3t-value", "none"),
    )
    each = PullResult(address=PG, file="f", written=written, skipped=(SkippedField(HOST, "why"),))
    tree = parse_valid("pull", render_pull("prod", (each,), "json"))
    assert [field["after"] for field in tree["manifests"][0]["written"]] == [
        None,
        "credential/prod-ro",
        "(hidden: looks like a secret)",
    ]
    assert tree["summary"]["left"] == 1
