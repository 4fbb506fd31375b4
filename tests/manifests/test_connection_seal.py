"""Seals of connections: what they cover, and how they are written."""

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile, load_file
from keyturn.manifests.connection_seal import (
    is_sealed_connection,
    list_sealed_paths,
    sign_connection,
    write_connection_seal,
)
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal_review import SealStatus, review_connection_seal
from keyturn.model.address import Address
from keyturn.model.diagnostic import DiagnosticError
from keyturn.project.workspace_key import SealAuthor
from keyturn.trust.signing import SigningKey
from keyturn.yamldoc.reader import parse_document

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(32))
AUTHOR = SealAuthor("alice@laptop", "2026-01-02", 'moved: "new" cluster # 7')
CONNECTIONS = sorted((Path(__file__).parents[2] / "examples/plain/manifests/prod/connections").glob("*.yaml"))
TEXT = """# the warehouse
kind: connection
name: prod-pg
type: postgres
credential: prod-db
labels: {owner: data}  # who
config:
  host: db.example.com
  port: 5432
  database: app
"""


def read_connection(data, root=Path(), name="prod-pg"):
    """Return the source and the resource of a manifest."""
    source = SourceFile(root, f"{name}.yaml", hashlib.sha256(data).hexdigest(), data)
    return source, build_manifest(source, parse_document(data, source.relative)).desired


def seal(connection, key=KEY):
    """Return the connection with a seal."""
    return replace(connection, seal=sign_connection(connection, "prod", key, AUTHOR))


@pytest.mark.parametrize("path", CONNECTIONS, ids=lambda path: path.stem)
def test_a_seal_covers_every_destination_and_reference(path):
    """For each connector of the example: another value, no value, another type or name."""
    _, connection = read_connection(path.read_bytes(), name=path.stem)
    sealed = seal(connection)
    assert is_sealed_connection(sealed, "prod", KEY.public_key)
    covered = list_sealed_paths(sealed)
    assert ("credential",) in covered or "credential" not in path.read_text()
    assert set(connection.destination_paths) <= set(covered)
    for place in covered:
        value = connection.fields[place]
        other = Address("credential", "another") if isinstance(value, Address) else f"{value}x"
        changed = {**connection.fields, place: other}
        removed = {key: leaf for key, leaf in connection.fields.items() if key != place}
        for fields in (changed, removed):
            assert not is_sealed_connection(replace(sealed, fields=fields), "prod", KEY.public_key), place
    for place in set(connection.fields) - set(covered):
        # A text that does not fit its field counts as a destination.
        fields = {**connection.fields, place: "warehouse"}
        assert is_sealed_connection(replace(sealed, fields=fields), "prod", KEY.public_key), place
    renamed = replace(sealed, address=Address("connection", "another"))
    assert not is_sealed_connection(renamed, "prod", KEY.public_key)
    assert not is_sealed_connection(replace(sealed, type="jdbc"), "prod", KEY.public_key)


def test_an_added_destination_is_not_sealed():
    """A seal states that a field is absent, too."""
    _, connection = read_connection(TEXT.encode())
    more = {**connection.fields, ("config", "sslMode"): "disable"}
    assert not is_sealed_connection(replace(seal(connection), fields=more), "prod", KEY.public_key)


@pytest.mark.parametrize("name", ["serial", "by", "at", "reason", "signature"])
def test_every_part_of_a_seal_is_signed(name):
    """A changed or removed part makes it invalid."""
    _, connection = read_connection(TEXT.encode())
    whole = seal(connection).seal
    for forged in (
        {**whole, name: 9 if name == "serial" else "x"},
        {k: v for k, v in whole.items() if k != name},
    ):
        assert not is_sealed_connection(replace(connection, seal=forged), "prod", KEY.public_key)


def test_a_seal_belongs_to_one_key_and_one_workspace():
    """Neither another key nor another workspace accepts it; nor does a missing seal count."""
    _, connection = read_connection(TEXT.encode())
    assert not is_sealed_connection(connection, "prod", KEY.public_key)
    assert not is_sealed_connection(seal(connection), "staging", KEY.public_key)
    assert not is_sealed_connection(seal(connection), "prod", OTHER.public_key)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "\n", "# end\n", "waive:\n  - {rule: KT330, reason: x}\n"])
def test_a_seal_is_written_and_replaced(tmp_path, ending, tail):
    """Every other byte stays; the number grows."""
    text = (TEXT + tail).replace("\n", ending)
    (tmp_path / "prod-pg.yaml").write_bytes(text.encode())
    for number in (1, 2, 3):
        source = load_file(tmp_path, "prod-pg.yaml")
        _, connection = read_connection(source.data)
        write_connection_seal(source, sign_connection(connection, "prod", KEY, AUTHOR))
        written = load_file(tmp_path, "prod-pg.yaml").data
        _, after = read_connection(written)
        assert (after.seal["serial"], after.seal["reason"]) == (number, AUTHOR.reason)
        assert is_sealed_connection(after, "prod", KEY.public_key)
        assert written.startswith(text.encode().rstrip(b"\r\n"))
        assert written.count(b"seal:") == 1


def test_a_seal_without_a_place_is_an_error(tmp_path):
    """A manifest in one line is not changed."""
    data = b"{kind: connection, name: prod-pg, type: postgres, credential: prod-db, config: {host: h}}\n"
    (tmp_path / "prod-pg.yaml").write_bytes(data)
    source = load_file(tmp_path, "prod-pg.yaml")
    _, connection = read_connection(data)
    with pytest.raises(DiagnosticError) as caught:
        write_connection_seal(source, sign_connection(connection, "prod", KEY, AUTHOR))
    assert [each.code for each in caught.value.diagnostics] == ["KT225"]
    assert (tmp_path / "prod-pg.yaml").read_bytes() == data


def test_a_file_that_changes_meanwhile_is_kept(tmp_path):
    """What was reviewed is what is sealed."""
    (tmp_path / "prod-pg.yaml").write_text(TEXT)
    source = load_file(tmp_path, "prod-pg.yaml")
    (tmp_path / "prod-pg.yaml").write_text(TEXT.replace("db.example.com", "evil.example.net"))
    _, connection = read_connection(source.data)
    with pytest.raises(DiagnosticError) as caught:
        write_connection_seal(source, sign_connection(connection, "prod", KEY, AUTHOR))
    assert [each.code for each in caught.value.diagnostics] == ["KT226"]


def test_a_review_says_what_moved_since_the_last_seal(tmp_path):
    """Compared with the last version in git that a key holder sealed."""
    (tmp_path / "prod-pg.yaml").write_text(TEXT)
    source = load_file(tmp_path, "prod-pg.yaml")
    first = review_connection_seal(source, "prod", KEY.public_key, ())
    assert (first.status, "config.host: db.example.com" in first.destination) == (SealStatus.MISSING, True)
    write_connection_seal(source, seal(read_connection(source.data)[1]).seal)
    sealed = load_file(tmp_path, "prod-pg.yaml")
    assert review_connection_seal(sealed, "prod", KEY.public_key, ()).status is SealStatus.VALID
    moved = sealed.data.replace(b"db.example.com", b"evil.example.net").replace(b"prod-db", b"prod-other")
    changed, _ = read_connection(moved)
    review = review_connection_seal(changed, "prod", KEY.public_key, (changed, sealed, source))
    assert review.status is SealStatus.BROKEN
    assert review.moves == (
        "config.host: db.example.com → evil.example.net",
        "credential: credential/prod-db → credential/prod-other",
    )
    assert review_connection_seal(changed, "prod", KEY.public_key, ()).status is SealStatus.BROKEN
