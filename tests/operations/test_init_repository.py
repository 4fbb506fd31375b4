"""A new repository."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from encrypting import document
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.init_repository import init_repository, list_age_recipients
from keyturn.operations.init_templates import InitOptions
from keyturn.schema.definitions import read_schema_text
from workspace import SOPS


@pytest.fixture
def surroundings(age_key):
    """Return the environment of somebody who has sops and an age key."""
    return {"PATH": str(Path(SOPS).parent), "SOPS_AGE_KEY_FILE": str(age_key.file)}


@pytest.fixture
def choice(age_key):
    """Return what was chosen."""
    return InitOptions(
        workspace="prod", base_url="https://a.example", organization="org_x", recipient=age_key.recipient
    )


def test_whose_key_is_at_hand(surroundings, age_key):
    """The public key of the private one that sops would find."""
    assert list_age_recipients(surroundings) == (age_key.recipient,)
    assert list_age_recipients({}) == ()


def test_it_adds_and_never_overwrites(tmp_path, choice, surroundings):
    """The same chance gives the same files; a second time all is kept, byte for byte."""
    first = init_repository(tmp_path, choice, surroundings, lambda count: b"\x07" * count)
    assert not first.unchanged
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {str(path.relative_to(tmp_path)) for path in before} == set(first.created)
    second = init_repository(tmp_path, choice, surroundings, lambda count: b"\x08" * count)
    assert not second.created
    assert set(second.unchanged) == set(first.created)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("kind", ["credential", "connection"])
def test_an_editor_finds_the_schema_from_where_a_manifest_is(tmp_path, choice, surroundings, kind):
    """By the first line, in the repository itself, without the network; it is the one that we check with."""
    init_repository(tmp_path, choice, surroundings, bytes)
    manifest = tmp_path / f"manifests/prod/{kind}s/prod-warehouse.yaml"
    first = manifest.read_text().splitlines()[0]
    schema = manifest.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.read_text() == read_schema_text(kind)
    Draft202012Validator(json.loads(schema.read_text())).validate(document(manifest.read_text()).tree)


def test_no_secret_stands_in_clear(tmp_path, choice, surroundings, canary):
    """What chance gave is in no file."""
    import base64  # noqa: PLC0415

    canary.add(base64.b32encode(b"\x09" * 20).decode().lower())
    canary.add(base64.b64encode(b"\x09" * 32).decode())
    init_repository(tmp_path, choice, surroundings, lambda count: b"\x09" * count)
    assert "ENC[" in (tmp_path / "manifests/prod/credentials/prod-warehouse.yaml").read_text()


def test_a_project_that_is_broken_is_not_touched_further(tmp_path, choice, surroundings):
    """Somebody else's keyturn.yaml is read, not replaced."""
    (tmp_path / "keyturn.yaml").write_text("version: 9\n")
    with pytest.raises(DiagnosticError):
        init_repository(tmp_path, choice, surroundings, bytes)
    assert (tmp_path / "keyturn.yaml").read_text() == "version: 9\n"
