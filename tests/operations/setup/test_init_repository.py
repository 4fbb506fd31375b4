"""The files of a new repository."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.setup.init_repository import init_repository, list_age_recipients
from keyturn.operations.setup.init_templates import InitOptions
from keyturn.project.workspace_key import SealAuthor
from keyturn.schema.definitions import read_schema_text
from sops_files import parse_text
from workspace import SOPS

AUTHOR = SealAuthor("alice@laptop", "2026-01-02")


@pytest.fixture
def environment(age_key):
    """Return an environment with sops and an age key."""
    return {"PATH": str(Path(SOPS).parent), "SOPS_AGE_KEY_FILE": str(age_key.file)}


@pytest.fixture
def options(age_key):
    """Return the options of a repository."""
    return InitOptions(
        workspace="prod", base_url="https://a.example", organization="org_x", recipient=age_key.recipient
    )


def test_available_age_recipients(environment, age_key):
    """The public keys of the private keys that sops finds."""
    assert list_age_recipients(environment) == (age_key.recipient,)
    assert list_age_recipients({}) == ()


def test_existing_files_are_kept(tmp_path, options, environment):
    """A second run changes no byte of any file."""
    first = init_repository(tmp_path, options, environment, lambda count: b"\x07" * count, author=AUTHOR)
    assert not first.unchanged
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {str(path.relative_to(tmp_path)) for path in before} == set(first.created)
    second = init_repository(tmp_path, options, environment, lambda count: b"\x08" * count, author=AUTHOR)
    assert not second.created
    assert set(second.unchanged) == set(first.created)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("kind", ["credential", "connection"])
def test_the_modeline_leads_to_the_schema(tmp_path, options, environment, kind):
    """The schema file in the repository is the one that keyturn validates with."""
    init_repository(tmp_path, options, environment, bytes, author=AUTHOR)
    manifest = tmp_path / f"manifests/prod/{kind}s/prod-warehouse.yaml"
    first = manifest.read_text().splitlines()[0]
    schema = manifest.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.read_text() == read_schema_text(kind)
    Draft202012Validator(json.loads(schema.read_text())).validate(parse_text(manifest.read_text()).tree)


def test_no_secret_is_in_plain_text(tmp_path, options, environment, canary):
    """No file has the generated key or password."""
    import base64  # noqa: PLC0415

    canary.add(base64.b32encode(b"\x09" * 20).decode().lower())
    canary.add(base64.b64encode(b"\x09" * 32).decode())
    init_repository(tmp_path, options, environment, lambda count: b"\x09" * count, author=AUTHOR)
    assert "ENC[" in (tmp_path / "manifests/prod/credentials/prod-warehouse.yaml").read_text()


def test_an_invalid_project_is_not_changed(tmp_path, options, environment):
    """An existing keyturn.yaml is read, not replaced."""
    (tmp_path / "keyturn.yaml").write_text("version: 9\n")
    with pytest.raises(DiagnosticError):
        init_repository(tmp_path, options, environment, bytes, author=AUTHOR)
    assert (tmp_path / "keyturn.yaml").read_text() == "version: 9\n"


FOLDERS = [".github", ".keyturn", "manifests", "manifests/prod"]
FILES = [
    "keyturn.yaml", ".sops.yaml", ".gitignore", ".pre-commit-config.yaml", ".github/workflows/keyturn.yml",
    ".keyturn/fingerprint.yaml", "manifests/prod/connections/prod-warehouse.yaml",
]  # fmt: skip


@pytest.mark.parametrize("relative", [*FOLDERS, *FILES])
@pytest.mark.parametrize("is_dangling", [True, False])
def test_links_are_not_followed(tmp_path, options, environment, relative, is_dangling):
    """In a prepared folder, a link that leads out of it changes nothing outside."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / relative).parent.mkdir(parents=True)
    outside.mkdir()
    target = outside / "target"
    (root / relative).symlink_to(target)
    if not is_dangling:
        target.mkdir() if relative in FOLDERS else target.write_text("own\n")
    with suppress(DiagnosticError):
        init_repository(root, options, environment, bytes, author=AUTHOR)
    left = {path.name: path.read_text() for path in outside.rglob("*") if path.is_file()}
    assert left == ({} if is_dangling or relative in FOLDERS else {"target": "own\n"})
    assert {path.name for path in outside.rglob("*")} == (set() if is_dangling else {"target"})
    assert (root / relative).is_symlink()


def test_a_linked_gitignore_leads_to_advice(tmp_path, options, environment):
    """Its owner adds the lines."""
    (tmp_path / "shared").write_text("own\n")
    (tmp_path / ".gitignore").symlink_to("shared")
    result = init_repository(tmp_path, options, environment, bytes, author=AUTHOR)
    assert ".gitignore" in result.unchanged
    assert any(".gitignore is a symlink" in advice for advice in result.advice)


def test_an_extended_file_keeps_its_bytes(tmp_path, options, environment):
    """Text in another encoding than UTF-8 stays as it is."""
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9\n")
    assert init_repository(tmp_path, options, environment, bytes, author=AUTHOR).extended == (".gitignore",)
    assert (tmp_path / ".gitignore").read_bytes().startswith(b"caf\xe9\n.keyturn")
