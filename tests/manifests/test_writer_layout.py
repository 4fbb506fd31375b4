"""What a write keeps of the layout of a file, through the real sops."""

import re

import pytest

from keyturn.manifests.writer import FileEdit, ManifestWriter
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import flatten_tree
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops.binary import find_sops
from keyturn.sops.decrypt import decryptor_for
from sops_files import encrypt_manifest, make_key_environment, parse_text

_PLAIN = {
    "kind": "credential",
    "name": "prod-x",
    "config": {"folded": "one two", "ca": "a\nb\n", "last": "x"},
}


@pytest.fixture
def writer(tmp_path, age_key):
    """Return a writer in an empty folder."""
    settings = PolicySettings(recipients={"m": (age_key.recipient,)})
    (tmp_path / "m").mkdir()
    environment = make_key_environment(age_key)
    return ManifestWriter(tmp_path, settings, find_sops(environment), decryptor_for(environment, settings))


@pytest.fixture(params=["\n", "\r\n"])
def end(request):
    """Return a line end."""
    return request.param


@pytest.fixture
def path(writer, age_key, end):
    """Return an encrypted manifest with a layout that sops does not write."""
    text = encrypt_manifest(age_key, {"password": "old", "token": "kept"}, plain=_PLAIN)
    folded = "    # of the fold\n    folded: >-   # folded\n      one\n      two\n\n"
    text = text.replace("    folded: one two\n", folded)
    text = "# head\n\n" + text.replace("secrets:\n", "\n# about the secrets\nsecrets:\n")
    (writer.root / "m/a.yaml").write_bytes(text.replace("\n", end).encode())
    return writer.root / "m/a.yaml"


def differing(before, after):
    """Return the keys of the lines that differ; the number of lines is equal."""
    pairs = zip(before.split("\n"), after.split("\n"), strict=True)
    keys = [old.split(":")[0].strip() for old, new in pairs if old != new]
    # The time has seconds.
    return [key for key in keys if key != "lastmodified"]


def test_a_secret_beside_blocks_keeps_the_other_lines(writer, path, end):
    """Comments, blank lines, folds and line ends stay."""
    before = path.read_bytes().decode()
    writer.update_file("m/a.yaml", {("secrets", "password"): Secret("new")})
    after = path.read_bytes().decode()
    assert differing(before, after) == ["password", "mac"]
    assert after.count(end) == after.count("\n")


def test_a_new_secret_beside_blocks_is_one_new_line(writer, path, end):
    """It has the line end of its neighbour."""
    before = path.read_bytes().decode()
    writer.update_file("m/a.yaml", {("secrets", "third"): Secret("new")})
    after = path.read_bytes().decode()
    assert after.count("\n") == before.count("\n") + 1
    assert after.count(end) == after.count("\n")


@pytest.mark.parametrize(
    ("field", "value"),
    [("folded", "x: y"), ("folded", "three\nlines\nhere\n"), ("ca", "c\nd\n"), ("ca", "one")],
)
def test_a_block_takes_another_value(writer, path, end, field, value):
    """The comments around it stay."""
    before = path.read_bytes().decode()
    writer.update_file("m/a.yaml", {("config", field): value})
    after = path.read_bytes().decode()
    assert parse_text(after).tree["config"] == _PLAIN["config"] | {field: value}
    assert after.count("#") == before.count("#")
    assert after.count(end) == after.count("\n")


def test_a_new_data_key_changes_only_ciphertext(writer, path, end):
    """Each secret and each wrapped key differs; plain lines, comments and line ends stay."""
    before = path.read_bytes().decode()
    edit = FileEdit({("secrets", "password"): Secret("new")}, renew_data_key=True)
    writer.edit_file("m/a.yaml", lambda _: edit)
    after = path.read_bytes().decode()
    old, new = (flatten_tree(parse_text(text).tree["secrets"]) for text in (before, after))
    assert old.keys() == new.keys()
    assert all(old[key] != new[key] for key in old)
    wrapped = re.compile(r"-----BEGIN AGE(?:.|\n)*?-----END")
    assert wrapped.findall(before) != wrapped.findall(after)
    assert differing(wrapped.sub("", before), wrapped.sub("", after)) == [
        "password",
        "token",
        "mac",
    ]
    assert after.count(end) == after.count("\n")
    opened = writer.sops.decrypt(parse_text(after))
    assert {key[-1]: value.reveal() for key, value in opened.items()} == {"password": "new", "token": "kept"}


def test_a_layout_that_sops_must_write_keeps_the_line_ends(writer, path, end):
    """A mapping on one line is rewritten by sops."""
    text = path.read_bytes().decode()
    secrets = re.search(r"secrets:\r?\n +password: (\S+?)\r?\n +token: (\S+?)\r?\n", text)
    flow = f'secrets: {{password: "{secrets[1]}", token: "{secrets[2]}"}}{end}'
    path.write_bytes(text.replace(secrets[0], flow).encode())
    writer.update_file("m/a.yaml", {("secrets", "third"): Secret("new")})
    after = path.read_bytes().decode()
    assert after.count(end) == after.count("\n")
    assert "# about the secrets" in after


def test_an_edit_may_refuse_the_file(writer, path):
    """The file stays as it is, and no temporary file is left."""
    before = path.read_bytes()

    def refuse(_):
        raise DiagnosticError

    with pytest.raises(DiagnosticError):
        writer.edit_file("m/a.yaml", refuse)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["a.yaml"]
