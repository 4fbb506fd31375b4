"""Pull of drifted fields into manifests."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.pull_drift import PullOptions, pull_drift


@pytest.fixture
def applied(setup, canary):
    """Apply two connections; the config of one refers to a further credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.credential(
        "prod-s3", {}, {"region": "eu-central-1", "role_arn": "arn:aws:iam::123456789012:role/r"}, type="aws"
    )
    staging = {"credentialId": {"ref": "credential/prod-s3"}, "bucket": "b"}
    config = {"account": "xy1", "warehouse": "W", "staging": staging}
    setup.repo.connection("prod-flake", "prod-db", config, type="snowflake")
    setup.repo.connection("prod-pg", "prod-db")
    done = setup.run("apply", "--yes", "--no-test")
    assert done.code == 0, done.stdout
    setup.service.set_clock(advance=60)
    return setup


@pytest.mark.usefixtures("applied")
def test_without_drift_there_are_no_results(begin):
    """An unchanged workspace."""
    assert pull_drift(begin(), PullOptions()) == ()


def test_a_drifted_field_is_written(applied, begin):
    """Other manifests do not change."""
    applied.service.edit_in_ui("connections", "prod-flake", config={"warehouse": "OTHER"})
    applied.service.edit_in_ui("connections", "prod-pg", config={"database": "second"})
    (pulled,) = pull_drift(begin(), PullOptions(names=("prod-flake",)))
    assert [(each.path, each.live) for each in pulled.written] == [(("config", "warehouse"), "OTHER")]
    assert "warehouse: OTHER" in (applied.repo.root / pulled.file).read_text()


def test_a_dry_run_has_the_same_results(applied, begin):
    """The file does not change."""
    applied.service.edit_in_ui("connections", "prod-pg", config={"database": "second"})
    before = (applied.repo.root / "manifests/prod/connections/prod-pg.yaml").read_bytes()
    dry = pull_drift(begin(), PullOptions(write=False))
    assert (applied.repo.root / "manifests/prod/connections/prod-pg.yaml").read_bytes() == before
    assert pull_drift(begin(), PullOptions()) == dry


def test_a_rename_and_an_unmanaged_reference_are_skipped(applied, begin):
    """Each has a reason."""
    applied.service.seed_objects(
        credentials=[{"id": "cred_ui", "name": "ui-made", "type": "database", "config": {}}]
    )
    applied.service.edit_in_ui("connections", "prod-pg", name="prod-renamed", credentialId="cred_ui")
    (pulled,) = pull_drift(begin(), PullOptions())
    assert {each.path: each.reason.split(":")[0] for each in pulled.skipped} == {
        ("name",): "the live name is prod-renamed",
        ("credential",): "the referenced object is not in git",
    }
    assert pulled.written == ()


def test_an_invalid_live_value_is_skipped(applied, begin):
    """A pull never writes an invalid manifest."""
    applied.service.edit_in_ui("connections", "prod-pg", config={"port": "none"})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db"})))
    assert pulled.skipped[0].reason == "the schema does not allow the live value"


def test_an_unknown_name_is_refused(applied, begin):
    """Before any request is sent."""
    before = len(applied.service.list_requests())
    with pytest.raises(DiagnosticError) as caught:
        pull_drift(begin(), PullOptions(names=("nothing",)))
    assert [each.code for each in caught.value.diagnostics] == ["KT071"]
    assert len(applied.service.list_requests()) == before


@pytest.mark.parametrize(
    ("written", "after"),
    [
        ("[a, b]   # both", "[a, c]   # both"),
        ("   # why\n    - a\n    - b", "   # why\n    - a\n    - c"),
        ("[a,\n    b]   # both", "[a, c]   # both"),
        ("\n    - a   # first\n    - b", ""),
    ],
)
def test_a_list_keeps_its_style(setup, begin, canary, written, after):
    """A list with a comment at an item is skipped: the comment would be lost."""
    setup.repo.credential("prod-db", {"password": canary()})
    path = setup.repo.connection("prod-x", "prod-db", {"tables": "@"}, type="kafka")
    path.write_text(path.read_text().replace("'@'", written))
    done = setup.run("apply", "--yes", "--no-test")
    assert done.code == 0, done.stdout
    before = path.read_text()
    setup.service.set_clock(advance=60)
    setup.service.edit_in_ui("connections", "prod-x", config={"tables": ["a", "c"]})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db"})))
    assert bool(pulled.written) is bool(after)
    assert path.read_text() == (before.replace(written, after) if after else before)


def test_a_mapping_without_remaining_fields_is_removed(applied, begin):
    """No empty key is left."""
    applied.service.edit_in_ui("connections", "prod-flake", config={"staging": None})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db", "prod-s3"})))
    assert {each.path for each in pulled.written} == {
        ("config", "staging", "credentialId"),
        ("config", "staging", "bucket"),
    }
    text = (applied.repo.root / pulled.file).read_text()
    assert "staging" not in text
    assert "warehouse: W" in text
    assert pull_drift(begin(), PullOptions()) == ()


def test_a_required_field_is_not_removed(applied, begin):
    """The credential of a database needs a username."""
    applied.service.edit_in_ui("credentials", "prod-db", config={"username": None})
    (pulled,) = pull_drift(begin(), PullOptions(approved=frozenset({"prod-db"})))
    assert pulled.written == ()
    assert [(each.path, "the manifest requires it" in each.reason) for each in pulled.skipped] == [
        (("config", "username"), True)
    ]
