"""Manifests edited without a key are rejected, and nothing is sent to the service."""

import re
import subprocess

import pytest

from workspace import SOPS

FILE = "manifests/prod/credentials/prod-db.yaml"
CONFIG = {
    "engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc",
    "ssh_host": "bastion.example.com", "ssh_port": 22, "ssh_username": "tunnel",
}  # fmt: skip
OTHER = "manifests/prod/credentials/prod-other.yaml"


@pytest.fixture
def applied_setup(setup, canary, request):
    """Return a setup with two applied credentials; keyturn opens their files, or sops."""
    setup.repo.project(
        policy={"seal": "required", "rules": {"KT380": "off"}},
        top={"decryptor": getattr(request, "param", "auto")},
    )
    for name in ("prod-db", "prod-other"):
        setup.repo.credential(name, {"password": canary("quotes"), "ssh_private_key": canary()}, CONFIG)
    setup.repo.connection("prod-pg", "prod-db")
    done = setup.run("apply", "--yes")
    assert done.code == 0, done.stderr
    return setup


def edit(setup, *changes, file=FILE):
    """Replace patterns in a file, each of which must be there."""
    path = setup.repo.root / file
    text = path.read_text()
    for pattern, new in changes:
        text, times = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
        assert times == 1, pattern
    path.write_text(text)


def sops_accepts(setup, file=FILE):
    """Tell whether sops decrypts a file."""
    done = subprocess.run(
        [SOPS, "--config", "/dev/null", "decrypt", "--output", "/dev/null", file],
        cwd=setup.repo.root,
        env=setup.repo.environment(),
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def assert_refused(setup, *numbers, file=FILE, code=5):
    """Check that plan and apply fail with these codes, a location and a fix, and write nothing."""
    writes, state = setup.count_writes(), (setup.repo.root / ".keyturn/prod/state.json").read_bytes()
    for command in (("plan",), ("apply", "--yes")):
        done = setup.run(*command)
        said = " ".join(done.stderr.split())
        assert done.code == code, done.stderr
        assert any(f"error[{number}]: " in said for number in numbers), done.stderr
        assert f"--> {file}" in said
        assert "= fix: " in said
    assert setup.count_writes() == writes
    assert (setup.repo.root / ".keyturn/prod/state.json").read_bytes() == state


ACCEPTED = {
    "a byte to the next field": [
        (r"host: db.example.com$", "host: db.example.com5"),
        (r"port: 5432$", "port: 432"),
    ],
    "a byte to the field before": [(r"port: 5432$", "port: 543"), (r"username: svc$", "username: 2svc")],
    "a key renamed to one that there is not": [(r"username: svc$", "login: svc")],
    "a key renamed to another one": [(r"username: svc$", "role: svc")],
    "host and tunnel in each other's place": [
        (r" host: db", " ssh_host: db"),
        (r" ssh_host: bastion", " host: bastion"),
    ],
    "a number that becomes text": [(r"port: 5432$", 'port: "5432"')],
    "null": [(r"^config:$", "config:\n    role: null")],
    "nothing": [(r"^config:$", "config:\n    role:")],
    "empty text": [(r"^config:$", 'config:\n    known_hosts: ""')],
    "an empty mapping": [(r"^config:$", "config:\n    proxy: {}")],
    "an empty list": [(r"^config:$", "config:\n    proxy: []")],
    "an empty secret": [(r"^secrets:$", 'secrets:\n    ssh_passphrase: ""')],
    "empty at the top": [(r"^config:$", "proxy: null\nconfig:")],
}
"""What sops accepts, although it changes what the file says."""


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_changes_that_sops_accepts_are_rejected(applied_setup, changes):
    """The MAC binds neither plain values to their keys nor empty values."""
    edit(applied_setup, *changes)
    assert sops_accepts(applied_setup)
    assert_refused(applied_setup, "KT251", "KT255", "KT213", "KT212", "KT211")


def test_a_comment_is_accepted(applied_setup):
    """A comment changes nothing in the plan."""
    edit(applied_setup, (r"^config:$", "# a word\nconfig:"))
    assert sops_accepts(applied_setup)
    writes = applied_setup.count_writes()
    done = applied_setup.run("apply", "--yes")
    assert done.code == 0, done.stderr
    assert applied_setup.count_writes() == writes


def test_an_empty_duplicate_key_is_rejected(applied_setup):
    """A key must not occur twice."""
    edit(applied_setup, (r"^config:$", 'config:\n    host: ""'))
    assert sops_accepts(applied_setup)
    assert_refused(applied_setup, "KT112", "KT111", "KT113", "KT114", code=1)


@pytest.mark.parametrize("original", ["kept", "removed"])
def test_a_copy_under_another_name_is_rejected(applied_setup, original):
    """A file can be decrypted under any name; the seal binds it to its resource."""
    path = applied_setup.repo.root / FILE
    copy = "manifests/prod/credentials/evil-db.yaml"
    (applied_setup.repo.root / copy).write_text(path.read_text())
    if original == "removed":
        path.unlink()
    assert sops_accepts(applied_setup, copy)
    assert_refused(applied_setup, "KT254", file=copy)


def test_a_copy_over_another_file_is_rejected(applied_setup):
    """The seal binds secrets to their credential."""
    (applied_setup.repo.root / OTHER).write_text((applied_setup.repo.root / FILE).read_text())
    assert sops_accepts(applied_setup, OTHER)
    assert_refused(applied_setup, "KT254", file=OTHER)


def block(text, key):
    """Return a top-level block of a file."""
    return re.search(rf"^{key}:\n(?:[ ].*\n)*", text, re.MULTILINE).group()


@pytest.mark.parametrize("blocks", [("sops",), ("secrets", "sops")])
def test_ciphertext_of_another_file_is_rejected(applied_setup, blocks):
    """Copied secrets are rejected, with and without their sops block."""
    theirs, path = (applied_setup.repo.root / OTHER).read_text(), applied_setup.repo.root / FILE
    for key in blocks:
        path.write_text(path.read_text().replace(block(path.read_text(), key), block(theirs, key)))
    if blocks == ("sops",):
        secret = re.search(r"^    password: .*$", theirs, re.MULTILINE).group()
        edit(applied_setup, (r"^    password: .*$", secret.replace("\\", r"\\")))
    assert not sops_accepts(applied_setup)
    assert_refused(applied_setup, "KT221", "KT222")


def test_a_mac_of_only_the_secrets_is_rejected(applied_setup, canary):
    """Such a MAC allows a changed host and a secret of another file."""
    rules = applied_setup.repo.home / "rules.yaml"
    rules.write_text(
        f"creation_rules: [{{age: {applied_setup.repo.age.recipient}, encrypted_regex: ^secrets$,"
        " mac_only_encrypted: true}]"
    )
    path = applied_setup.repo.root / FILE
    plain = "kind: credential\nname: prod-db\ntype: password\nsecrets:\n    password: " + canary() + "\n"
    done = subprocess.run(
        [
            SOPS, "--config", rules, "encrypt", "--input-type", "yaml", "--output-type", "yaml",
            "--filename-override", path, "/dev/stdin",
        ],
        input=plain.encode(), env=applied_setup.repo.environment(), capture_output=True, check=True,
    )  # fmt: skip
    path.write_bytes(done.stdout)
    edit(applied_setup, (r"^type: password$", "type: api_key"))
    assert sops_accepts(applied_setup)
    assert_refused(applied_setup, "KT204")


REFUSED = {
    "host": [(r"host: db.example.com$", "host: evil.example.com")],
    "a key with a value": [(r"^config:$", "config:\n    database: evil.example.com")],
    "fields in another order": [(r"(    host: .*\n)(    port: .*\n)", r"\2\1")],
    "a secret taken out": [(r"^    ssh_private_key: .*\n", "")],
    "secrets swapped": [
        (r"^    password: (.*)\n    ssh_private_key: (.*)$", r"    password: \2\n    ssh_private_key: \1")
    ],
    "the time of the last change": [(r"lastmodified: \S+", 'lastmodified: "2020-01-01T00:00:00Z"')],
    "no MAC": [(r"^    mac: .*\n", "")],
    "a damaged MAC": [(r"^(    mac: ENC\[AES256_GCM,data:)(....)", r"\1AAAA")],
    "a MAC of the secrets alone": [(r"^    mac: ", "    mac_only_encrypted: true\n    mac: ")],
    "a damaged secret": [(r"^(    password: ENC\[AES256_GCM,data:)(....)", r"\1AAAA")],
    **{
        f"text as {kind}": [(r"^(    password: ENC\[.*type:)str\]", rf"\1{kind}]")]
        for kind in ("int", "float", "bool", "time", "bytes", "comment")
    },
}
"""What sops refuses, sometimes with the plaintext in its complaint."""


@pytest.mark.parametrize("applied_setup", ["auto", "sops"], indirect=True)
@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_errors_of_sops_are_not_printed(applied_setup, changes):
    """The message is keyturn's own, so no secret of an error of sops appears."""
    edit(applied_setup, *changes)
    assert not sops_accepts(applied_setup)
    assert_refused(
        applied_setup,
        "KT221",
        "KT222",
        "KT223",
        "KT203",
        "KT204",
        "KT210",
        "KT213",
        "KT211",
        "KT212",
        "KT202",
        "KT251",
    )


def test_plaintext_beside_ciphertext_is_rejected_and_hidden(applied_setup, canary):
    """The error does not repeat a secret in plain text."""
    secret = canary()
    canary.allow(applied_setup.repo.root / FILE, "the plaintext that this test is about")
    edit(applied_setup, (r"^    password: .*$", f"    password: {secret}"))
    assert_refused(applied_setup, "KT209", "KT210", code=1)
