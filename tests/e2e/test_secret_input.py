"""Each kind of bad secret by each way of input: a pipe, a file and a prompt."""

import subprocess
import sys
from datetime import date

import pytest

from certificates import make_certificate
from terminals import answer_on_terminal
from workspace import SOPS

FILE = "manifests/prod/credentials/prod-db.yaml"
WAYS = ("pipe", "file", "prompt")


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def enter(setup, way, value, field="password"):
    """Set a secret; return exit code and output."""
    command = [sys.executable, "-m", "keyturn", "secret", "set", "prod-db", field]
    data = value if isinstance(value, bytes) else value.encode()
    if way == "prompt":
        answers = [data.decode()] * 2
        return answer_on_terminal(command, answers, cwd=setup.repo.root, env=setup.repo.environment())
    words = ()
    if way == "file":
        path = setup.repo.root.parent / "given.txt"
        path.write_bytes(data)
        words = ("--from-file", str(path))
    done = setup.run(*command[3:], *words, stdin=data)
    if way == "file":
        path.unlink()
    return done.code, done.stdout + done.stderr


def stored(setup, field="password"):
    """Return the stored secret."""
    index = f'["secrets"]["{field}"]'
    done = subprocess.run(
        [SOPS, "--config", "/dev/null", "decrypt", "--extract", index, FILE],
        cwd=setup.repo.root, env=setup.repo.environment(), capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("{}\u200b", "KT391"),
        ("changeme", "KT389"),
        ("<password>", "KT389"),
        ("xxx", "KT389"),
        ('{{"key": "{}"', "KT394"),
        ('{}"}}', "KT394"),
        ("-----BEGIN PRIVATE KEY-----{}", "KT380"),
    ],
)
def test_a_bad_value_is_refused(ready, canary, way, value, code):
    """Nothing is written, and no part of the value is shown."""
    before = (ready.repo.root / FILE).read_bytes()
    exit_code, output = enter(ready, way, value.format(canary()))
    assert (exit_code, code in output) == (5, True), output
    assert (ready.repo.root / FILE).read_bytes() == before


@pytest.mark.parametrize("way", ["pipe", "file"])
@pytest.mark.parametrize(
    ("form", "encoding", "refusal"),
    [
        ("{}", "utf-16", (64, "UTF-16")),
        ("{}", "utf-16-le", (5, "KT391")),
        ("{}\0", "utf-8", (5, "KT391")),
        ("é{}", "latin-1", (64, "not UTF-8")),
        ("{}\nuser: svc\n", "utf-8", (5, "KT392")),
    ],
)
def test_bad_bytes_are_refused(ready, canary, way, form, encoding, refusal):  # noqa: PLR0917
    """What no terminal can send."""
    content = (ready.repo.root / FILE).read_bytes()
    code, output = enter(ready, way, form.format(canary()).encode(encoding))
    assert (code, refusal[1] in output) == (refusal[0], True), output
    assert (ready.repo.root / FILE).read_bytes() == content


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a{}\u2019b", "password has a typographic quote at character"),
        ("{}\u2013b", "KT393"),
        ("{}\u00a0b", "KT393"),
        ("{} ", "KT385"),
    ],
)
def test_a_doubtful_value_is_written_with_a_warning(ready, canary, way, value, said):
    """The value is stored as it is."""
    text = value.format(canary())
    code, output = enter(ready, way, text)
    assert (code, said in " ".join(output.split())) == (0, True), output
    assert stored(ready) == text


@pytest.mark.parametrize("way", WAYS)
def test_the_line_breaks_of_a_key_are_restored(ready, canary, way):
    """They were written as backslash and n, as in JSON and in variables of a CI."""
    pem = make_certificate().private()
    canary.add(pem.split("\n")[1])
    code, output = enter(ready, way, pem.replace("\n", "\\n"), "private_key")
    assert (code, "restored the line breaks of the PEM text" in output) == (0, True), output
    assert stored(ready, "private_key") == pem


@pytest.mark.parametrize("way", ["pipe", "file"])
def test_an_expired_certificate_is_refused(ready, way):
    """The login would fail."""
    ready.repo.credential("prod-db", {"password": "unused-long-value"}, {"username": "u"}, type="azure")
    code, output = enter(ready, way, make_certificate(date(2024, 1, 1)).pem, "certificate")
    assert (code, "KT322" in output) == (5, True), output


def test_an_unreadable_file_is_an_error(ready):
    """A missing file and a folder; both ways at once."""
    assert ready.run("secret", "set", "prod-db", "password", "--from-file", "absent").code == 64
    assert ready.run("secret", "set", "prod-db", "password", "--from-file", ".").code == 64
    both = ("--from-file", "keyturn.yaml", "--generate", "20")
    assert ready.run("secret", "set", "prod-db", "password", *both).code == 64


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_moved_destination_is_confirmed_at_a_terminal(ready, answer, code):
    """The question follows the change; without consent, nothing is written."""
    path = ready.repo.root / FILE
    text = path.read_text().replace("engine: postgresql", "engine: postgresqld")
    path.write_text(text.replace("host: db.", "host: b."))
    before = path.read_bytes()
    command = [sys.executable, "-m", "keyturn", "seal", "prod-db", "--reason", "moved"]
    env = ready.repo.environment()
    exit_code, output = answer_on_terminal(command, [answer], cwd=ready.repo.root, env=env)
    assert (exit_code, "b.example.com" in output) == (code, True), output
    assert (path.read_bytes() == before) is (answer == "n")
