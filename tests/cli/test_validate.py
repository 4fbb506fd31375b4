"""keyturn validate."""

import json

import pytest

from keyturn.cli.validate import FORMATS

FILE = "manifests/prod/connections/prod-pg.yaml"


@pytest.fixture
def ready(office, canary):
    """Return an office with one credential and a connection."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    return office


@pytest.mark.parametrize("form", FORMATS)
def test_forms(ready, form):
    """Whatever the form, 1 for an error, and it is named."""
    path = ready.repo.root / FILE
    path.write_text(path.read_text().replace("config:", "confg:"))
    done = ready.here("validate", "--format", form)
    assert done.code == 1
    assert "prod-pg.yaml" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
def test_a_project_that_cannot_be_read_is_told_in_every_form(ready, form):
    """A pipeline that reads annotations reads this one too."""
    (ready.repo.root / "keyturn.yaml").unlink()
    done = ready.here("validate", "--format", form)
    assert done.code == 1
    assert "keyturn.yaml" in done.stdout
    if form in {"json", "gitlab", "sarif"}:
        json.loads(done.stdout)


def test_only_what_is_named(ready):
    """Another file's errors are not this commit's; a file outside every workspace is a warning."""
    (ready.repo.root / FILE).write_text("kind: nothing\n")
    assert ready.here("validate", "manifests/prod/credentials/prod-db.yaml").code == 0
    assert ready.here("validate", FILE).code == 1
    (ready.repo.root / "stray.yaml").write_text("a: b\n")
    assert ready.here("validate", "stray.yaml").code == 0
    assert ready.here("validate", "stray.yaml", "--strict").code == 1
