"""Which entries a plan has."""

import pytest
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Exposure
from keyturn.model.diagnostic import Severity
from keyturn.views.plan import render_plan
from keyturn.views.plan.builder import ACTION_STYLES, build_entries
from keyturn.views.plan.model import FieldRow, NoteRow, SecretRow, SectionKind
from plans import CASES, CREATE, DB, FINDINGS, REACH, RENAME, UPDATE, change, finding, plan

MOVED = "config.host changes: db.example.com → db.example.net"


def of(case, part):
    """Return the entries of one class."""
    return [entry for each, entry in build_entries(CASES[case]) if each is part]


def test_every_action_has_its_class():
    """No action is forgotten, and no two share a symbol."""
    assert set(ACTION_STYLES) == set(Action)
    assert len({symbol for _, symbol, _ in ACTION_STYLES.values()}) == len(Action)


def test_an_exposure_names_the_credential_the_way_and_the_consent():
    """Whose secret, through what, from where to where, and what would allow it."""
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
    """The change keeps its place among the updates, so that counts add up."""
    assert len(of("exposure", SectionKind.UPDATE)) == 2


def test_drift_has_three_values():
    """What we applied, what is live, what git wants."""
    rows = [row for row in of("update", SectionKind.UPDATE)[0].details if isinstance(row, FieldRow)]
    assert [(row.applied, row.before, row.after) for row in rows if row.applied] == [("5432", "5433", "5432")]


@pytest.mark.parametrize(
    ("path", "mark"), [("config.schema", "-"), ("config.warehouse", "+"), ("config.port", "~")]
)
def test_a_field_says_whether_it_comes_goes_or_changes(path, mark):
    """The mark tells the three apart."""
    marks = {
        row.path: row.mark for row in of("update", SectionKind.UPDATE)[0].details if isinstance(row, FieldRow)
    }
    assert marks[path] == mark


def test_a_reference_to_a_new_object_says_so():
    """The name stays and the id does not."""
    (entry,) = of("replace", SectionKind.UPDATE)
    assert entry.details[0].after == "credential/prod-db, with a new ID"


def test_another_type_is_a_field():
    """A replacement shows from what to what."""
    (entry,) = of("replace", SectionKind.REPLACE)
    assert entry.details[0] == FieldRow(path="type", mark="~", before="password", after="database")


def test_every_secret_has_a_state_and_a_reason():
    """None is masked into silence."""
    (entry,) = of("rotate-verify", SectionKind.ROTATE)
    states = [row.status for row in entry.details if isinstance(row, SecretRow)]
    assert states == ["rotated", "reused", "kept", "cleared", "unknown", "set"]


def test_every_change_of_what_exists_says_how_far_it_reaches():
    """Only what is new, merely forgotten or merely doubted is silent on it: nobody looked."""
    for action in Action:
        (_, entry), *_ = build_entries(plan(change(action)))
        said = any(isinstance(row, NoteRow) and row.topic == "impact" for row in entry.details)
        assert said is (action not in {Action.CREATE, Action.FORGET, Action.NO_OP})


def test_an_exposure_of_several_fields_names_them():
    """Where more than one moves, the line says which; the details say where to."""
    moves = tuple(Exposure(DB, DB, ("config", key), "a", "b") for key in ("host", "port"))
    (_, entry), *_ = build_entries(plan(replace(UPDATE, exposures=moves)))
    assert entry.headline == "keeps its secret while its destination changes: config.host, config.port"


def test_findings_of_one_text_are_one_entry():
    """One rule broken in many places is read once: where, and how often."""
    places = [SourceLocation(f"manifests/{number:02}.yaml", 1, 1) for number in range(12)]
    same = tuple(
        finding("KT355", Severity.WARNING, "no TLS", hint="state it", origin=each) for each in places
    )
    other = finding("KT355", Severity.WARNING, "another text", hint="state it", origin=places[0])
    found = [entry for _, entry in build_entries(plan(diagnostics=(*same[:6], other, *same[6:])))]
    assert [(each.headline, each.count) for each in found] == [
        ("no TLS (in 12 locations)", 12),
        ("another text", 1),
    ]
    assert found[0].details[0] == NoteRow("fix", "state it")
    assert found[0].details[1].text.startswith("manifests/00.yaml:1:1, manifests/01.yaml:1:1, ")
    assert found[0].details[1].text.endswith(" and 2 more")
    assert found[1].location == "manifests/00.yaml:1:1"


def test_a_title_counts_findings_and_not_entries():
    """The number is that of the findings, in every drawing."""
    places = [SourceLocation(f"manifests/{number:02}.yaml", 1, 1) for number in range(12)]
    made = plan(
        diagnostics=tuple(finding("KT355", Severity.WARNING, "no TLS", origin=each) for each in places)
    )
    assert all("Findings (12)" in render_plan(made, form) for form in ("text", "markdown", "html"))


def test_a_rename_names_the_old_name():
    """Where it comes from is in the headline."""
    (_, entry), *_ = build_entries(plan(RENAME))
    assert entry.headline == "renamed from prod-database; the manifest has a new name"


def test_consent_is_a_manual_step_once():
    """The note that planning makes is shown among the manual steps, and the view decides nothing itself."""
    found = [part for part, _ in build_entries(CASES["consent"])]
    assert found.count(SectionKind.MANUAL) == 1
    assert SectionKind.DIAGNOSTIC not in found
    bare = replace(CASES["consent"], diagnostics=())
    assert SectionKind.MANUAL not in [part for part, _ in build_entries(bare)]


def test_findings_have_code_severity_place_and_fix():
    """A reviewer sees where, and what to do."""
    (_, entry), *_ = build_entries(plan(diagnostics=FINDINGS[1:2]))
    assert entry.label == "KT320 warning"
    assert entry.location == "manifests/prod/credentials/prod-db.yaml:4:3"
    assert entry.details == (NoteRow("fix", "rotate it"),)


def test_a_new_object_with_a_known_reach_shows_it():
    """Somebody may use the name already."""
    (_, entry), *_ = build_entries(plan(CREATE, impact={DB: REACH}))
    assert any(isinstance(row, NoteRow) and row.topic == "impact" for row in entry.details)
