"""The value and the workspace of a secret that `keyturn secret set` writes."""

import pytest

FILE = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def ready(setup, canary):
    """Return a setup with one credential."""
    setup.repo.credential("prod-db", {"password": canary()})
    return setup


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("", "\nuser: svc\n", "KT392"),
        ("\0", "", "KT391"),
        ("x", "\ufeff", "KT391"),
        ("-----BEGIN PRIVATE KEY-----\\n", "\\n-----END PRIVATE KEY-----", "KT380"),
    ],
)
def test_a_value_that_the_plan_refuses_is_not_written(ready, canary, before, after, code):
    """The message names the field and no part of the value."""
    text = (ready.repo.root / FILE).read_text()
    done = ready.run("secret", "set", "prod-db", "password", stdin=before + canary() + after)
    assert done.code == 5
    assert code in done.stderr
    assert (ready.repo.root / FILE).read_text() == text


def test_a_doubtful_value_is_written_with_a_warning(ready, canary):
    """Trailing whitespace may be part of a password."""
    text = (ready.repo.root / FILE).read_text()
    done = ready.run("secret", "set", "prod-db", "password", stdin=canary() + "  \n")
    assert done.code == 0
    assert "KT385" in done.stderr
    assert (ready.repo.root / FILE).read_text() != text


def test_a_byte_order_mark_is_removed(ready, canary):
    """A message tells about it."""
    done = ready.run("secret", "set", "prod-db", "password", stdin="\ufeff" + canary() + "\n")
    assert done.code == 0
    assert "byte order mark" in done.stderr
    assert "KT391" not in ready.run("plan").stdout


@pytest.mark.parametrize("form", [["password", "{}"], ["password={}"], ["password", "--{}"]])
def test_a_secret_as_argument_is_not_repeated(ready, canary, form):
    """The message names standard input instead."""
    value = canary()
    done = ready.run("secret", "set", "prod-db", *(each.format(value) for each in form), stdin=canary())
    assert done.code == 64
    assert "standard input" in done.stderr
    assert value not in done.stdout + done.stderr


@pytest.fixture
def shared_name(ready):
    """Return a setup with a credential of one name in two workspaces."""
    root = ready.repo.root
    copy = root / "manifests/staging/credentials"
    copy.mkdir(parents=True)
    (copy / "prod-db.yaml").write_bytes((root / FILE).read_bytes())
    project = (root / "keyturn.yaml").read_text()
    workspace = """
  staging:
    base_url: https://api.example.com
    organization: org_01staging
    api_key: {env: STAGING_KEY}
    manifests: [manifests/staging]
"""
    head, _, rest = project.partition("workspaces:")
    (root / "keyturn.yaml").write_text(f"{head}workspaces:{workspace.rstrip()}{rest}")
    return ready


@pytest.mark.parametrize("command", [["secret", "set", "prod-db", "password"], ["seal", "prod-db"]])
def test_a_name_in_two_workspaces_is_ambiguous(shared_name, canary, command):
    """The error lists the files, and no file changes."""
    before = [path.read_bytes() for path in shared_name.repo.root.rglob("prod-db.yaml")]
    done = shared_name.run(*command, stdin=canary())
    assert done.code == 1
    assert "KT005" in done.stderr
    assert "manifests/staging/credentials/prod-db.yaml" in done.stderr
    assert [path.read_bytes() for path in shared_name.repo.root.rglob("prod-db.yaml")] == before


@pytest.mark.parametrize("how", [["--workspace", "prod"], ["--chdir", "manifests/prod"]])
def test_a_workspace_selects_the_credential(shared_name, canary, how):
    """It is the option, or else that of the current folder."""
    done = shared_name.run("secret", "set", "prod-db", "password", *how, stdin=canary())
    assert (done.code, done.stderr.splitlines()[0]) == (0, f"set password of credential/prod-db in {FILE}")


def test_the_workspace_of_the_folder_excludes_others(shared_name, canary):
    """A credential of another workspace is not found from there."""
    (shared_name.repo.root / "manifests/staging/credentials/prod-db.yaml").unlink()
    done = shared_name.run(
        "secret", "set", "prod-db", "password", "--chdir", "manifests/staging", stdin=canary()
    )
    assert done.code == 1
    assert "there is no credential prod-db in workspace staging" in done.stderr
