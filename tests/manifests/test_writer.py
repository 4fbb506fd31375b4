"""Writing manifests through the real sops."""

import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from keyturn.files.discovery import load_file
from keyturn.manifests.writer import ManifestWriter, can_remove
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops.binary import find_sops
from keyturn.sops.decrypt import decryptor_for
from sops_files import encrypt_manifest, make_key_environment, parse_text, run_sops

AWKWARD = (
    "0123",
    "1e5",
    "no",
    "12:30",
    "a\nb\n",
    "'\"\\",
    "日本 😀",
    " x ",
    "null",
    "\u2028",
    "\x01",
    "~",
    "-----BEGIN X-----\nabc\n-----END X-----\n",
)


def codes(act):
    """Return the codes of what an act raises."""
    with pytest.raises(DiagnosticError) as caught:
        act()
    return [finding.code for finding in caught.value.diagnostics]


@pytest.fixture
def writer(tmp_path, age_key):
    """Return a writer in an empty folder."""
    settings = PolicySettings(recipients={"m": (age_key.recipient,)})
    (tmp_path / "m").mkdir()
    return ManifestWriter(
        tmp_path,
        settings,
        find_sops(make_key_environment(age_key)),
        decryptor_for(make_key_environment(age_key), settings),
    )


@pytest.fixture
def path(writer, age_key):
    """Return an encrypted manifest with comments and a layout of its own."""
    text = encrypt_manifest(age_key, {"password": "old", "token": "kept"})
    text = text.replace("config:\n", "# about the host\nconfig:   # here\n").replace(
        "    port: 5432", "    port:   5432"
    )
    (writer.root / "m/a.yaml").write_text(text)
    return writer.root / "m/a.yaml"


def secrets(writer, relative="m/a.yaml"):
    """Return the secrets of a file as sops opens them."""
    opened = writer.sops.decrypt(parse_text((writer.root / relative).read_bytes(), relative))
    return {path[-1]: value.reveal() for path, value in opened.items()}


def changed(before, after):
    """Return the lines that are new."""
    return [line.split(":")[0].strip() for line in after.split("\n") if line not in before.split("\n")]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_secret_is_written_unchanged(writer, path, value):
    """Values that YAML would retype stay; three lines of the file change."""
    before = path.read_text()
    writer.update_file("m/a.yaml", {("secrets", "password"): Secret(value)})
    assert secrets(writer) == {"password": value, "token": "kept"}
    assert set(changed(before, path.read_text())) <= {"password", "lastmodified", "mac"}


def test_other_lines_stay_byte_for_byte(writer, path):
    """Comments, whitespace and other ciphertext do not change."""
    before = path.read_text()
    source = writer.update_file(
        "m/a.yaml", {("secrets", "password"): Secret("new"), ("secrets", "added"): Secret("more")}
    )
    after = path.read_text()
    assert source.data == path.read_bytes()
    assert "port:   5432" in after
    kept = [line for line in before.split("\n") if not re.match(r"\s+(password|lastmodified|mac):", line)]
    assert [line for line in after.split("\n") if line in kept] == kept
    assert secrets(writer) == {"password": "new", "token": "kept", "added": "more"}


def test_the_same_value_changes_nothing(writer, path):
    """Setting what is there already leaves every byte."""
    before = path.read_bytes()
    writer.update_file("m/a.yaml", {("secrets", "password"): Secret("old")})
    assert path.read_bytes() == before


def test_a_plain_value_is_set_with_a_new_mac(writer, path):
    """The encrypted file stays valid."""
    writer.update_file(
        "m/a.yaml", {("config", "host"): "db2.acme.com", ("config", "port"): 5433, ("config", "tls"): False}
    )
    found = parse_text(path.read_bytes()).tree["config"]
    assert (found["host"], found["port"], found["tls"]) == ("db2.acme.com", 5433, False)
    assert secrets(writer) == {"password": "old", "token": "kept"}


def test_flow_style_secrets_are_rewritten_by_sops(writer, path):
    """Secrets in braces have no line of their own."""
    inline = re.sub(
        r"secrets:\n    password: (\S+)\n    token: (\S+)\n",
        r'secrets: {password: "\1", token: "\2"}\n',
        path.read_text(),
    )
    assert "secrets: {" in inline
    path.write_text(inline)
    writer.update_file("m/a.yaml", {("secrets", "password"): Secret("new")})
    assert secrets(writer) == {"password": "new", "token": "kept"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_marks_stay(writer, path, end):
    """A file from Windows stays one."""
    path.write_bytes(b"\xef\xbb\xbf" + path.read_text().replace("\n", end).encode())
    writer.update_file(
        "m/a.yaml", {("secrets", "password"): Secret("new"), ("secrets", "added"): Secret("x")}
    )
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(end.encode())
    assert secrets(writer) == {"password": "new", "token": "kept", "added": "x"}


def test_the_first_secret_of_a_plain_file_encrypts_it(writer):
    """What was there stays as it was written; the block and its envelope are added below."""
    text = "# mine\nname: b  # here\nconfig: {port: 9007199254740993, ratio: 0.5}\nkeep: [password]\n"
    (writer.root / "m/b.yaml").write_text(text)
    writer.update_file("m/b.yaml", {("secrets", "password"): Secret("0123"), ("name",): "c"})
    after = (writer.root / "m/b.yaml").read_text()
    assert after.startswith(text.replace("name: b ", "name: c "))
    assert secrets(writer, "m/b.yaml") == {"password": "0123"}


@pytest.mark.parametrize("end", ["...\n", "... \n\n", "labels:\n  note: |+\n    text\n\n\n"])
def test_the_first_secret_keeps_the_comments(writer, end):
    """A document end marker is removed; a kept block keeps its empty lines."""
    path = writer.root / "m/plain.yaml"
    path.write_text("# the owner is data\nkind: credential\nname: plain   # short\n" + end)
    writer.update_file("m/plain.yaml", {("secrets", "password"): Secret("first")})
    text = path.read_text()
    assert text.count("# ") == 2
    assert text.startswith("# the owner is data\n")
    assert secrets(writer, "m/plain.yaml") == {"password": "first"}


def test_rules_that_do_not_cover_secrets_are_named(writer, age_key):
    """The file does not change."""
    path = writer.root / "other/plain.yaml"
    path.parent.mkdir()
    path.write_text("kind: credential\nname: plain\n")
    rules = f"creation_rules: [{{age: {age_key.recipient}, encrypted_regex: ^data$}}]\n"
    (writer.root / ".sops.yaml").write_text(rules)
    with pytest.raises(DiagnosticError) as caught:
        writer.update_file("other/plain.yaml", {("secrets", "password"): Secret("first")})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT227"
    assert ".sops.yaml" in diagnostic.message
    assert path.read_text() == "kind: credential\nname: plain\n"


def test_a_plain_file_may_be_changed_without_sops(writer):
    """Where there is no secret, nothing needs to be encrypted."""
    (writer.root / "m/b.yaml").write_text("name: b # x\nconfig:\n  a: 1\n")
    writer.update_file("m/b.yaml", {("config", "a"): "no", ("config", "b"): None})
    assert (writer.root / "m/b.yaml").read_text() == 'name: b # x\nconfig:\n  a: "no"\n  b: null\n'
    assert codes(lambda: writer.update_file("m/b.yaml", {("config", "c", "d"): 1})) == ["KT225"]


def test_a_new_file_is_encrypted_from_memory(writer):
    """Head, plain part and secrets, for the recipients of policy."""
    tree = {
        "kind": "credential",
        "name": "c",
        "config": {"host": "h", "tags": ["a"]},
        "secrets": {"password": Secret("1e5"), "seal": Secret("x")},
    }
    writer.create_file("m/new/c.yaml", tree, "# yaml-language-server: $schema=x\n")
    text = (writer.root / "m/new/c.yaml").read_text()
    assert text.startswith(
        "# yaml-language-server: $schema=x\nkind: credential\nname: c\nconfig:\n  host: h\n"
    )
    assert secrets(writer, "m/new/c.yaml") == {"password": "1e5", "seal": "x"}
    assert codes(lambda: writer.create_file("m/new/c.yaml", tree)) == ["KT229"]


def test_a_new_plain_file_needs_no_sops(writer):
    """A connection has no secret."""
    writer.create_file("m/d.yaml", {"kind": "connection", "name": "0123"})
    assert (writer.root / "m/d.yaml").read_text() == 'kind: connection\nname: "0123"\n'


def test_a_new_file_needs_no_private_key(writer, tmp_path):
    """Whoever knows the recipients may write for them."""
    keyless = ManifestWriter(
        tmp_path, writer.settings, find_sops({"PATH": os.defpath}), decryptor_for({}, writer.settings)
    )
    keyless.create_file("m/e.yaml", {"name": "e", "secrets": {"password": Secret("x")}})
    assert secrets(writer, "m/e.yaml") == {"password": "x"}


def test_creation_rules_apply_without_recipients_in_policy(writer, age_key, tmp_path):
    """Without a rule for the path in .sops.yaml, nothing is written."""
    rule = f"path_regex: manifests/.*\\.yaml$\n    encrypted_regex: ^secrets$\n    age: {age_key.recipient}\n"
    rules = f"creation_rules:\n  - {rule}"
    (tmp_path / ".sops.yaml").write_text(rules)
    writer.create_file("manifests/f.yaml", {"name": "f", "secrets": {"password": Secret("x")}})
    assert secrets(writer, "manifests/f.yaml") == {"password": "x"}
    assert codes(
        lambda: writer.create_file("other/f.yaml", {"name": "f", "secrets": {"password": Secret("x")}})
    ) == ["KT227"]
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("host: db.acme.com", "host: evil.example.com"), "KT221"),
        (lambda text: text.replace("recipient: age1", "recipient: age2"), "KT208"),
        (lambda text: text[: text.index("secrets:")] + "secrets:\n  password: x\n", "KT209"),
        (lambda text: re.sub(r"token: .*", "token: ''", text), "KT221"),
    ],
)
def test_an_invalid_file_is_not_changed(writer, path, change, code):
    """Setting a secret must not hide tampering."""
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    assert codes(lambda: writer.update_file("m/a.yaml", {("secrets", "password"): Secret("new")}))[0] == code
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["a.yaml"]


def test_an_edit_that_fails_verification_is_not_written(writer, path, tmp_path):
    """A sops that writes nothing or another value is detected."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/sops"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o700)
    before = path.read_bytes()
    idle = ManifestWriter(
        tmp_path,
        writer.settings,
        type(writer.sops)(binary=fake, environment={}, version=(3, 11, 0)),
        writer.decryptor,
    )
    assert codes(lambda: idle.update_file("m/a.yaml", {("secrets", "password"): Secret("new")})) == ["KT225"]
    assert path.read_bytes() == before


@pytest.mark.usefixtures("path")
def test_parallel_writes_are_not_lost(writer):
    """SOPS itself loses half of the writes of two processes."""
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda index: writer.update_file("m/a.yaml", {("secrets", f"s{index}"): Secret(str(index))}),
                range(8),
            )
        )
    assert secrets(writer) == {
        "password": "old",
        "token": "kept",
        **{f"s{index}": str(index) for index in range(8)},
    }


_SET = """
import sys, pathlib, os
from keyturn.manifests.writer import ManifestWriter
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops.binary import find_sops
from keyturn.sops.decrypt import decryptor_for
environment = dict(os.environ)
settings = PolicySettings()
sops, decrypt = find_sops(environment), decryptor_for(environment, settings)
writer = ManifestWriter(pathlib.Path(sys.argv[1]), settings, sops, decrypt)
print("ready", flush=True)
writer.update_file("m/a.yaml", {("secrets", "password"): Secret(sys.stdin.readline().strip())})
"""


@pytest.mark.usefixtures("path")
def test_a_killed_writer_leaves_the_old_or_the_new_file(writer, age_key, canary):
    """The file decrypts to one of the two values."""
    value = canary()
    environment = make_key_environment(age_key)
    endings = set()
    for index in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", _SET, writer.root],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout.readline() == "ready\n"
            child.stdin.write(value + "\n")
            child.stdin.flush()
            try:
                child.wait(0.012 * index)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
        found = secrets(writer)["password"]
        assert found in ("old", value)
        endings.add(found)
    assert "old" in endings


@pytest.mark.usefixtures("path")
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_no_plaintext_is_written_to_any_file(writer, age_key, canary, tmp_path_factory):
    """The secret is only in writes to pipes."""
    value = canary()
    trace = tmp_path_factory.mktemp("trace") / "out"
    command = [
        "strace",
        "-f",
        "-yy",
        "-s",
        "100000",
        "-e",
        "trace=write,pwrite64,writev,sendto,sendmsg",
        "-o",
        trace,
    ]
    subprocess.run(
        [*command, sys.executable, "-c", _SET, writer.root],
        env=make_key_environment(age_key),
        input=value + "\n",
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert secrets(writer)["password"] == value
    lines = [line for line in trace.read_text(errors="replace").split("\n") if value in line]
    assert lines
    assert all(re.search(r"\((\d+)<(pipe|UNIX|socket)", line) for line in lines)
    trace.unlink()


@pytest.mark.usefixtures("path")
def test_the_digest_is_that_of_the_file(writer):
    """What is returned is what is on the disk."""
    source = writer.update_file("m/a.yaml", {("secrets", "password"): Secret("new")})
    assert source == load_file(writer.root, "m/a.yaml")


def test_sops_can_edit_a_written_file(writer, path, age_key):
    """The result is an ordinary SOPS file."""
    writer.update_file("m/a.yaml", {("secrets", "password"): Secret("new")})
    run_sops("rotate", "--in-place", str(path), env=make_key_environment(age_key))
    assert secrets(writer) == {"password": "new", "token": "kept"}


def test_a_removed_key_is_the_only_change(writer, path):
    """Only the MAC changes in the ciphertext."""
    before = path.read_text()
    assert can_remove(parse_text(before.encode(), "m/a.yaml"), ("config", "port"))
    after = writer.update_file("m/a.yaml", {}, [("config", "port")]).data.decode()
    gone = [line for line in before.split("\n") if line not in after.split("\n")]
    assert {line.split(":")[0].strip() for line in gone} - {"lastmodified"} == {"port", "mac"}
    assert set(changed(before, after)) - {"lastmodified"} == {"mac"}
    assert secrets(writer)["password"] == "old"


def test_a_key_that_shares_its_line_is_not_removed(writer, path):
    """KT225."""
    text = "kind: connection\nname: b\nconfig: {host: a, port: 1}\n"
    (writer.root / "m/b.yaml").write_text(text)
    assert not can_remove(parse_text(text.encode(), "m/b.yaml"), ("config", "port"))
    assert codes(lambda: writer.update_file("m/b.yaml", {}, [("config", "port")])) == ["KT225"]
    assert (writer.root / "m/b.yaml").read_text() == text
    assert path.exists()


def test_values_are_set_and_removed_in_one_edit(writer):
    """In a file without secrets, without sops."""
    (writer.root / "m/b.yaml").write_text("kind: connection\nname: b\nconfig:\n  host: a  # why\n  port: 1\n")
    after = writer.update_file("m/b.yaml", {("config", "port"): 2}, [("config", "host")]).data.decode()
    assert after == "kind: connection\nname: b\nconfig:\n  # why\n  port: 2\n"
