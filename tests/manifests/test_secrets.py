"""Sealed manifests, opened: the right bytes, the right seal, nothing in clear in any message."""

import subprocess

import pytest

from keyturn.manifests.secrets import check_seals_of_invalid, decrypt_manifests
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from manifest_folder import ManifestFolder
from sample_resources import is_decrypted

READER = """kind: credential
name: reader
type: database
config: {engine: postgresql, host: db.example.com, database: analytics, port: 5432, username: svc, role: etl}
secrets:
  password: "WORD"
  ssh_private_key: "KEY"
  seal: SEAL
"""
TUNNEL = "config: {ssh_host: bastion, ssh_username: tunnel, "


@pytest.fixture
def manifest_folder(tmp_path, age_key, sops):
    """Return a project that asks for seals."""
    return ManifestFolder(tmp_path, age_key, sops)


@pytest.fixture
def words(canary):
    """Return two secrets."""
    return canary(), canary()


@pytest.fixture
def reader(words):
    """Return the text of a credential with a tunnel."""
    return READER.replace("WORD", words[0]).replace("KEY", words[1]).replace("config: {", TUNNEL)


def refused(manifest_folder, desired):
    """Return the codes with which manifests are refused when they are opened."""
    with pytest.raises(DiagnosticError) as caught:
        decrypt_manifests(desired, manifest_folder.project, manifest_folder.environment)
    return [finding.code for finding in caught.value.diagnostics]


def test_secrets_are_decrypted_without_the_seal(manifest_folder, reader, words):
    """The result is what an apply sends."""
    manifest_folder.write_sealed("reader", reader)
    [opened] = manifest_folder.load_decrypted()
    assert is_decrypted(opened)
    assert opened.secrets == {("password",): Secret(words[0]), ("ssh_private_key",): Secret(words[1])}


def test_only_the_given_manifests_are_decrypted(manifest_folder, reader):
    """Another file may be invalid."""
    manifest_folder.write_sealed("reader", reader)
    other = manifest_folder.write_sealed("other", reader.replace("name: reader", "name: other"))
    loaded = manifest_folder.load()
    other.unlink()
    wanted = [each for each in loaded.desired if each.address.name == "reader"]
    assert [
        each.address.name
        for each in decrypt_manifests(wanted, manifest_folder.project, manifest_folder.environment)
    ] == ["reader"]
    assert decrypt_manifests((), manifest_folder.project, {}) == ()


def test_a_file_that_changed_since_loading_is_rejected(manifest_folder, reader):
    """The digest must be the same."""
    path = manifest_folder.write_sealed("reader", reader)
    loaded = manifest_folder.load()
    path.write_text(path.read_text() + "# later\n")
    assert refused(manifest_folder, loaded.desired) == ["KT143"]


def test_a_rotation_by_sops_keeps_the_seal(manifest_folder, reader, canary):
    """The seal covers where a secret goes, not the secret."""
    path = manifest_folder.write_sealed("reader", reader)
    new = canary()
    command = [
        str(manifest_folder.sops),
        "--config",
        "/dev/null",
        "set",
        "--value-stdin",
        str(path),
        '["secrets"]["password"]',
    ]
    subprocess.run(
        command, input=f'"{new}"'.encode(), check=True, capture_output=True, env=manifest_folder.environment
    )
    [opened] = manifest_folder.load_decrypted()
    assert opened.secrets[("password",)] == Secret(new)


@pytest.mark.parametrize(
    ("field", "value", "codes"),
    [
        ("host", '"evil.example.com"', ["KT251"]),
        ("username", '"other"', ["KT251"]),
        ("role", '"ACCOUNTADMIN"', ["KT251"]),
        ("warehouse", '"BIG_WH"', []),
    ],
)
def test_a_change_with_sops_needs_a_new_seal(manifest_folder, reader, field, value, codes):
    """Only for a destination; other settings are free."""
    path = manifest_folder.write_sealed("reader", reader)
    command = [
        str(manifest_folder.sops),
        "--config",
        "/dev/null",
        "set",
        str(path),
        f'["config"]["{field}"]',
        value,
    ]
    subprocess.run(command, check=True, capture_output=True, env=manifest_folder.environment)
    loaded = manifest_folder.load()
    assert loaded.diagnostics == ()
    if codes:
        assert refused(manifest_folder, loaded.desired) == codes
    else:
        assert (
            len(decrypt_manifests(loaded.desired, manifest_folder.project, manifest_folder.environment)) == 1
        )


def test_a_missing_seal_is_an_error_if_required(manifest_folder, reader):
    """Otherwise the loader warns."""
    manifest_folder.write_sealed("reader", reader.replace("  seal: SEAL\n", ""))
    assert refused(manifest_folder, manifest_folder.load().desired) == ["KT250"]
    file = manifest_folder.root / "keyturn.yaml"
    file.write_text(file.read_text().replace("required", "warn"))
    assert (
        len(
            decrypt_manifests(
                manifest_folder.load().desired, manifest_folder.project, manifest_folder.environment
            )
        )
        == 1
    )


def test_one_run_reports_the_errors_of_all_files(manifest_folder, reader):
    """All integrity errors together."""
    for name in ("one", "two"):
        manifest_folder.write_sealed(
            name, reader.replace("name: reader", f"name: {name}").replace("SEAL", "k1-other")
        )
    assert refused(manifest_folder, manifest_folder.load().desired) == ["KT251", "KT251"]


def test_a_missing_key_is_an_error(manifest_folder, reader):
    """Nothing is decrypted."""
    manifest_folder.write_sealed("reader", reader)
    with pytest.raises(DiagnosticError) as caught:
        decrypt_manifests(manifest_folder.load().desired, manifest_folder.project, {})
    assert caught.value.diagnostics[0].code == "KT020"


# What sops accepts and keyturn does not (security: a person without any key edits the file) ------

TAMPERINGS = {
    "a byte moves from host to database": (
        "db.example.com\n    database: a",
        "db.example.co\n    database: ma",
    ),
    "a byte moves from database to host": (
        "db.example.com\n    database: a",
        "db.example.coma\n    database: ",
    ),
    "a byte moves from user to role": ("svc\n    role: etl", "sv\n    role: cetl"),
    "a digit moves from the port to the host": (
        "database: analytics\n    port: 5432",
        "database: analytics5\n    port: 432",
    ),
    "a key is renamed": ("database: analytics", "warehouse: analytics"),
    "two keys change places": ("username: svc\n    role: etl", "role: svc\n    username: etl"),
    "a key becomes one that nobody knows": ("username: svc", "login: svc"),
    "a null key is added": ("config:\n", "config:\n    proxy: null\n"),
    "an empty key is added": ("config:\n", 'config:\n    warehouse: ""\n'),
    "an empty list is added": ("config:\n", "config:\n    proxies: []\n"),
    "an empty key is added at the top": ("config:\n", 'proxy: ""\nconfig:\n'),
    "a number becomes text": ("port: 5432", 'port: "5432"'),
    "a number becomes a decimal": ("port: 5432", "port: 5432.0"),
    "the type's last byte moves to the first setting": (
        "type: database\nconfig:\n    ssh_host: b",
        "type: databas\nconfig:\n    ssh_host: eb",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_edits_that_sops_accepts_are_rejected(manifest_folder, reader, what):
    """Each edit needs no key: sops decrypts the file, keyturn reports an integrity error."""
    before, after = TAMPERINGS[what]
    path = manifest_folder.write_sealed("reader", reader)
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))
    assert manifest_folder.is_decrypted_by_sops(path)
    loaded = manifest_folder.load()
    if loaded.invalid_sealed:
        accused = check_seals_of_invalid(
            loaded.invalid_sealed, manifest_folder.project, manifest_folder.environment
        )
        codes = {each.code for each in (*loaded.diagnostics, *accused)}
    else:
        codes = set(refused(manifest_folder, loaded.desired))
    assert codes & {"KT251", "KT255"}


def test_a_copied_file_is_rejected(manifest_folder, reader):
    """It decrypts under another name, and the name differs from that of the file."""
    path = manifest_folder.write_sealed("reader", reader)
    copy = manifest_folder.write_plain("writer", path.read_text())
    path.unlink()
    assert manifest_folder.is_decrypted_by_sops(copy)
    loaded = manifest_folder.load()
    assert [each.code for each in loaded.diagnostics] == ["KT254"]
    assert loaded.desired == ()
    assert (
        check_seals_of_invalid(loaded.invalid_sealed, manifest_folder.project, manifest_folder.environment)
        == ()
    )


def test_the_seal_of_another_resource_is_rejected(manifest_folder, reader):
    """A seal is bound to its address."""
    sealed = reader.replace("SEAL", "k1-" + "0" * 64)
    manifest_folder.write_sealed("reader", sealed)
    assert refused(manifest_folder, manifest_folder.load().desired) == ["KT251"]


def test_the_secrets_of_another_file_are_rejected(manifest_folder, reader):
    """The ciphertext and sops block of one file in a file with another host."""
    donor = manifest_folder.write_sealed("donor", reader.replace("name: reader", "name: donor"))
    secrets = donor.read_text()[donor.read_text().index("secrets:") :]
    head = "kind: credential\nname: reader\ntype: database\n"
    config = "config:\n    host: evil.example.com\n    username: svc\n"
    victim = manifest_folder.write_plain("reader", head + config + secrets)
    donor.unlink()
    assert not manifest_folder.is_decrypted_by_sops(victim)
    loaded = manifest_folder.load()
    found = (
        check_seals_of_invalid(loaded.invalid_sealed, manifest_folder.project, manifest_folder.environment)
        if loaded.invalid_sealed
        else ()
    )
    codes = {each.code for each in found} or set(refused(manifest_folder, loaded.desired))
    assert codes & {"KT221", "KT222"}


def test_a_sealed_typo_is_only_a_schema_error(manifest_folder, reader):
    """The seal matches the misspelled field."""
    manifest_folder.write_sealed("reader", reader.replace("role: etl", "rle: etl"))
    loaded = manifest_folder.load()
    assert [each.code for each in loaded.diagnostics] == ["KT131"]
    assert (
        check_seals_of_invalid(loaded.invalid_sealed, manifest_folder.project, manifest_folder.environment)
        == ()
    )


@pytest.mark.parametrize("value", ["5432", "true", "1.5"])
def test_a_secret_that_is_not_text_is_rejected(manifest_folder, reader, words, value):
    """SOPS stores unquoted values with their type."""
    manifest_folder.write_sealed("reader", reader.replace(f'"{words[0]}"', value))
    loaded = manifest_folder.load()
    assert [each.code for each in loaded.diagnostics] == ["KT213"]
    assert refused(manifest_folder, loaded.desired) == ["KT213"]
