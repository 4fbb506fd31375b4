"""The entries of a plan."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Exposure
from keyturn.model.diagnostic import Severity
from keyturn.views.plan import render_plan
from keyturn.views.plan.builder import ACTION_STYLES, build_entries
from keyturn.views.plan.model import FieldRow, NoteRow, SecretRow, SectionKind
from sample_plans import (
    CASES,
    CREATE,
    DB,
    FINDINGS,
    IMPACT,
    RENAME,
    UPDATE,
    make_change,
    make_finding,
    make_plan,
)

MOVED = "config.host changes: db.example.com → db.example.net"


def of(case, part):
    """Return the entries of one section."""
    return [entry for each, entry in build_entries(CASES[case]) if each is part]


def test_every_action_has_its_section():
    """Each has a symbol of its own."""
    assert set(ACTION_STYLES) == set(Action)
    assert len({symbol for _, symbol, _ in ACTION_STYLES.values()}) == len(Action)


def test_an_exposure_entry():
    """The credential, the changed resource, the old and new value, and the approval."""
    through, own = of("exposure", SectionKind.EXPOSURE)
    assert own.label == "credential/prod-db"
    assert own.details[0] == FieldRow(
        path="config.host", mark="~", before="db.example.com", after="db.example.net"
    )
    assert own.details[1] == SecretRow("password", "unchanged", "same value as last applied")
    assert own.details[-1] == NoteRow(
        "approval", "missing: to allow this, pass --allow-destination-change prod-db"
    )
    assert (through.label, through.headline) == (
        "credential/prod-old",
        f"keeps its secret while {MOVED}, through connection/prod-pg",
    )
    assert through.details[-1] == NoteRow("approval", "given by name")


def test_an_exposure_stands_beside_its_change():
    """The change is also listed as an update, so the counts add up."""
    assert len(of("exposure", SectionKind.UPDATE)) == 2


def test_drift_has_three_values():
    """Last applied, live, desired."""
    rows = [row for row in of("update", SectionKind.UPDATE)[0].details if isinstance(row, FieldRow)]
    assert [(row.applied, row.before, row.after) for row in rows if row.applied] == [("5432", "5433", "5432")]


@pytest.mark.parametrize(
    ("path", "mark"), [("config.schema", "-"), ("config.warehouse", "+"), ("config.port", "~")]
)
def test_a_field_is_marked_as_added_removed_or_changed(path, mark):
    """By three marks."""
    marks = {
        row.path: row.mark for row in of("update", SectionKind.UPDATE)[0].details if isinstance(row, FieldRow)
    }
    assert marks[path] == mark


def test_a_reference_to_a_new_object():
    """The name stays, the ID changes."""
    (entry,) = of("replace", SectionKind.UPDATE)
    assert entry.details[0].after == "credential/prod-db, with a new ID"


def test_a_changed_type_is_a_field():
    """A replacement shows the old and the new type."""
    (entry,) = of("replace", SectionKind.REPLACE)
    assert entry.details[0] == FieldRow(path="type", mark="~", before="password", after="database")


def test_every_secret_has_a_status():
    """No secret is left out."""
    (entry,) = of("rotate-verify", SectionKind.ROTATE)
    states = [row.status for row in entry.details if isinstance(row, SecretRow)]
    assert states == ["rotated", "reused", "kept", "cleared", "unknown", "set"]


def test_changes_of_existing_objects_have_an_impact():
    """Only created, forgotten and uncertain ones have none."""
    for action in Action:
        (_, entry), *_ = build_entries(make_plan(make_change(action)))
        said = any(isinstance(row, NoteRow) and row.topic == "impact" for row in entry.details)
        assert said is (action not in {Action.CREATE, Action.FORGET, Action.NO_OP})


def test_an_exposure_of_several_fields_names_them():
    """The headline lists the fields, the details have their values."""
    moves = tuple(Exposure(DB, DB, ("config", key), "a", "b") for key in ("host", "port"))
    (_, entry), *_ = build_entries(make_plan(replace(UPDATE, exposures=moves)))
    assert entry.headline == "keeps its secret while its destination changes: config.host, config.port"


def test_diagnostics_with_one_message_are_one_entry():
    """It has the locations and their number."""
    places = [SourceLocation(f"manifests/{number:02}.yaml", 1, 1) for number in range(12)]
    same = tuple(
        make_finding("KT355", Severity.WARNING, "no TLS", hint="state it", origin=each) for each in places
    )
    other = make_finding("KT355", Severity.WARNING, "another text", hint="state it", origin=places[0])
    found = [entry for _, entry in build_entries(make_plan(diagnostics=(*same[:6], other, *same[6:])))]
    assert [(each.headline, each.count) for each in found] == [
        ("no TLS (in 12 locations)", 12),
        ("another text", 1),
    ]
    assert found[0].details[0] == NoteRow("fix", "state it")
    assert found[0].details[1].text.startswith("manifests/00.yaml:1:1, manifests/01.yaml:1:1, ")
    assert found[0].details[1].text.endswith(" and 2 more")
    assert found[1].location == "manifests/00.yaml:1:1"


def test_a_title_counts_diagnostics():
    """In every format, grouped entries count with all their diagnostics."""
    places = [SourceLocation(f"manifests/{number:02}.yaml", 1, 1) for number in range(12)]
    made = make_plan(
        diagnostics=tuple(make_finding("KT355", Severity.WARNING, "no TLS", origin=each) for each in places)
    )
    assert all("Findings (12)" in render_plan(made, form) for form in ("text", "markdown", "html"))


def test_a_rename_has_the_old_name():
    """In the headline."""
    (_, entry), *_ = build_entries(make_plan(RENAME))
    assert entry.headline == "renamed from prod-database; the manifest has a new name"


def test_consent_is_a_manual_step_once():
    """The view shows the note from planning and adds none."""
    found = [part for part, _ in build_entries(CASES["consent"])]
    assert found.count(SectionKind.MANUAL) == 1
    assert SectionKind.DIAGNOSTIC not in found
    bare = replace(CASES["consent"], diagnostics=())
    assert SectionKind.MANUAL not in [part for part, _ in build_entries(bare)]


def test_a_diagnostic_entry():
    """Code, severity, location and fix."""
    (_, entry), *_ = build_entries(make_plan(diagnostics=FINDINGS[1:2]))
    assert entry.label == "KT320 warning"
    assert entry.location == "manifests/prod/credentials/prod-db.yaml:4:3"
    assert entry.details == (NoteRow("fix", "rotate it"),)


def test_a_new_object_with_a_known_impact():
    """The name may be in use already."""
    (_, entry), *_ = build_entries(make_plan(CREATE, impact={DB: IMPACT}))
    assert any(isinstance(row, NoteRow) and row.topic == "impact" for row in entry.details)
