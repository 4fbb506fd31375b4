"""keyturn secret set, keyturn seal."""

import pytest

from keyturn.cli.commands.secret import ALPHABETS, _generate_secret

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


def test_from_standard_input(ready, canary):
    """The file changes, nothing is printed but where."""
    before = (ready.repo.root / FILE).read_text()
    done = ready.run("secret", "set", "prod-db", "password", stdin=canary() + "\n")
    assert (done.code, done.stdout, done.stderr) == (0, "", f"set password of credential/prod-db in {FILE}\n")
    assert (ready.repo.root / FILE).read_text() != before


def test_a_random_one(ready):
    """Nothing is asked, nothing shown."""
    before = (ready.repo.root / FILE).read_text()
    assert ready.run("secret", "set", "prod-db", "password", "--generate", "40").code == 0
    assert (ready.repo.root / FILE).read_text() != before


@pytest.mark.parametrize(
    ("stdin", "said"), [("", "is empty"), ("\n", "is empty"), (b"\xff\xfe", "not UTF-8")]
)
def test_standard_input_that_holds_none(ready, stdin, said):
    """An empty pipe is a mistake upstream, and no empty secret."""
    before = (ready.repo.root / FILE).read_text()
    done = ready.run("secret", "set", "prod-db", "password", stdin=stdin)
    assert done.code == 64
    assert said in done.stderr
    assert (ready.repo.root / FILE).read_text() == before


def test_a_credential_that_is_not_there(ready, canary):
    """KT041, with the name as it was written."""
    done = ready.run("secret", "set", "prod-dbb", "password", stdin=canary())
    assert done.code == 1
    assert "there is no credential prod-dbb" in done.stderr


def test_seal_binds_again(ready):
    """The file that was sealed is named, and an apply takes it."""
    done = ready.run("seal", "prod-db")
    assert (done.code, done.stderr) == (0, f"sealed {FILE}\n")
    assert ready.run("apply", "--yes").code == 0


def test_random_secrets():
    """Long, plain, and never twice."""
    assert len(_generate_secret(32)) == 32
    assert _generate_secret(32).isalnum()
    assert _generate_secret(32) != _generate_secret(32)


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_what_a_random_one_is_made_of(alphabet):
    """Every character of the alphabet may come, and no other does."""
    made = _generate_secret(5000, ALPHABETS[alphabet])
    assert set(made) == set(ALPHABETS[alphabet])
    assert set(made).isdisjoint("'\"\\`$ ")


@pytest.mark.parametrize("field", ["private_key", "service_account_json"])
def test_what_somebody_else_issues_is_not_made_up(ready, field):
    """A random private key opens nothing."""
    before = (ready.repo.root / FILE).read_bytes()
    done = ready.run("secret", "set", "prod-db", field, "--generate", "40")
    assert done.code == 64
    assert "issued by another system" in done.stderr
    assert (ready.repo.root / FILE).read_bytes() == before
