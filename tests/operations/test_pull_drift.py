"""Drift to git, one manifest at a time."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.pull_drift import PullOptions, pull_drift


@pytest.fixture
def settled(office, canary):
    """Apply two connections of which one refers to a further credential."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.credential(
        "prod-s3", {}, {"region": "eu-central-1", "role_arn": "arn:aws:iam::123456789012:role/r"}, type="aws"
    )
    staging = {"credentialId": {"ref": "credential/prod-s3"}, "bucket": "b"}
    config = {"account": "xy1", "warehouse": "W", "staging": staging}
    office.repo.connection("prod-flake", "prod-db", config, type="snowflake")
    office.repo.connection("prod-pg", "prod-db")
    done = office.here("apply", "--yes", "--no-test")
    assert done.code == 0, done.stdout
    office.service.set_clock(advance=60)
    return office


@pytest.mark.usefixtures("settled")
def test_nothing_drifted(begin):
    """Nothing to tell."""
    assert pull_drift(begin(), PullOptions()) == ()


def test_a_field_is_written_where_it_stands(settled, begin):
    """And the name of another file is left alone."""
    settled.service.edit_in_ui("connections", "prod-flake", config={"warehouse": "OTHER"})
    settled.service.edit_in_ui("connections", "prod-pg", config={"database": "second"})
    (pulled,) = pull_drift(begin(), PullOptions(names=("prod-flake",)))
    assert [(each.path, each.live) for each in pulled.written] == [(("config", "warehouse"), "OTHER")]
    assert "warehouse: OTHER" in (settled.repo.root / pulled.file).read_text()


def test_without_writing_the_answer_is_the_same(settled, begin):
    """What would be written is told, and the file stays."""
    settled.service.edit_in_ui("connections", "prod-pg", config={"database": "second"})
    before = (settled.repo.root / "manifests/prod/connections/prod-pg.yaml").read_bytes()
    dry = pull_drift(begin(), PullOptions(write=False))
    assert (settled.repo.root / "manifests/prod/connections/prod-pg.yaml").read_bytes() == before
    assert pull_drift(begin(), PullOptions()) == dry


def test_another_name_and_another_object_are_left(settled, begin):
    """A rename is git's to make, and what git does not have cannot be referred to."""
    settled.service.seed_objects(
        credentials=[{"id": "cred_ui", "name": "ui-made", "type": "database", "config": {}}]
    )
    settled.service.edit_in_ui("connections", "prod-pg", name="prod-renamed", credentialId="cred_ui")
    (pulled,) = pull_drift(begin(), PullOptions())
    assert {each.path: each.reason.split(":")[0] for each in pulled.skipped} == {
        ("name",): "it is called prod-renamed live",
        ("credential",): "the referenced object is not in git",
    }
    assert pulled.written == ()


def test_what_the_schema_has_no_room_for_is_left(settled, begin):
    """A manifest that no plan would take is worse than drift."""
    settled.service.edit_in_ui("connections", "prod-pg", config={"port": "none"})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db"})))
    assert pulled.skipped[0].reason == "the schema has no room for the live value"


def test_a_name_that_means_nothing(settled, begin):
    """An error, before anything is read of the service."""
    before = len(settled.service.list_requests())
    with pytest.raises(DiagnosticError) as caught:
        pull_drift(begin(), PullOptions(names=("nothing",)))
    assert [each.code for each in caught.value.diagnostics] == ["KT071"]
    assert len(settled.service.list_requests()) == before


@pytest.mark.parametrize(
    ("written", "after"), [("[a, b]   # both", "[a, c]   # both"), ("\n    - a\n    - b", "")]
)
def test_a_list_on_one_line_is_written(office, begin, canary, written, after):
    """One that spans lines, with room for comments between them, is left as it is."""
    office.repo.credential("prod-db", {"password": canary()})
    path = office.repo.connection("prod-x", "prod-db", {"tables": "@"}, type="kafka")
    path.write_text(path.read_text().replace("'@'", written))
    done = office.here("apply", "--yes", "--no-test")
    assert done.code == 0, done.stdout
    before = path.read_text()
    office.service.set_clock(advance=60)
    office.service.edit_in_ui("connections", "prod-x", config={"tables": ["a", "c"]})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db"})))
    assert bool(pulled.written) is bool(after)
    assert path.read_text() == (before.replace(written, after) if after else before)


def test_a_mapping_of_which_nothing_is_left_goes_whole(settled, begin):
    """Its last field does not leave an empty key behind."""
    settled.service.edit_in_ui("connections", "prod-flake", config={"staging": None})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db", "prod-s3"})))
    assert {each.path for each in pulled.written} == {
        ("config", "staging", "credentialId"),
        ("config", "staging", "bucket"),
    }
    text = (settled.repo.root / pulled.file).read_text()
    assert "staging" not in text
    assert "warehouse: W" in text
    assert pull_drift(begin(), PullOptions()) == ()


def test_what_the_manifest_cannot_be_without_is_left(settled, begin):
    """A credential for a database without its user would be refused by validate."""
    settled.service.edit_in_ui("credentials", "prod-db", config={"username": None})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db"})))
    assert pulled.written == ()
    assert [(each.path, "cannot be without it" in each.reason) for each in pulled.skipped] == [
        (("config", "username"), True)
    ]
