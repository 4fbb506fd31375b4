"""Live to git."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.import_resources import ImportOptions, import_resources
from keyturn.state.events import OutcomeRecorded, RunFinished, RunStarted
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHeld, LockHolder, acquire_lock
from keyturn.state.reader import load_state

ROLE = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "eu-central-1"}


@pytest.fixture
def lived_in(office):
    """Return an office whose workspace somebody filled: two credentials, one of them used."""
    made = [{"name": name, "type": "aws", "config": ROLE} for name in ("prod-lake", "prod-spare")]
    ids = office.service.seed_objects(credentials=made)["credentials"]
    bucket = {
        "name": "prod-s3",
        "type": "s3",
        "credentialId": ids[0],
        "config": {"bucket": "b", "region": "eu"},
    }
    office.service.seed_objects(connections=[bucket])
    (office.repo.root / "manifests/prod").mkdir(parents=True)
    return office


def told(results):
    """Return what became of each object: its file's stem, or that it was left out."""
    return {each.address.name: bool(each.file) for each in results}


def test_everything_once(lived_in, begin):
    """Then nothing is new, and nothing was written to the service."""
    assert told(import_resources(begin(), ImportOptions())) == {
        "prod-lake": True,
        "prod-spare": True,
        "prod-s3": True,
    }
    assert import_resources(begin(), ImportOptions()) == ()
    assert lived_in.writes() == 0
    connection = (lived_in.repo.root / "manifests/prod/connections/prod-s3.yaml").read_text()
    assert "credential: " in connection
    assert "prod-lake" in connection


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["prod-spare"], {"prod-spare"}), (["connection/*"], {"prod-s3"}), (["nobody"], set())],
)
@pytest.mark.usefixtures("lived_in")
def test_only_what_is_named(begin, names, expected):
    """Bare names, addresses, patterns."""
    assert set(told(import_resources(begin(), ImportOptions(tuple(names))))) == expected


def test_a_file_that_is_there_is_not_overwritten(lived_in, begin):
    """Whatever it holds."""
    file = lived_in.repo.root / "manifests/prod/credentials/prod-lake.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n")
    results = {each.address.name: each for each in import_resources(begin(), ImportOptions(("prod-lake",)))}
    assert "is there already" in results["prod-lake"].error
    assert file.read_text() == "# mine\n"


@pytest.mark.usefixtures("lived_in")
@pytest.mark.parametrize("folder", ["manifests/prod", "manifests/prod/deeper/still"])
def test_an_editor_finds_the_schema_where_there_is_one(lived_in, begin, folder):
    """The first line leads to what `init` put there, from any depth; without it there is no such line."""
    root = lived_in.repo.root
    order = ImportOptions(("credential/*",), folders={"prod-": folder})
    (root / ".keyturn").mkdir(exist_ok=True)
    (root / ".keyturn/credential.schema.json").write_text("{}")
    import_resources(begin(), order)
    for name in ("prod-lake", "prod-spare"):
        file = root / folder / f"credentials/{name}.yaml"
        first = file.read_text().splitlines()[0]
        schema = file.parent / first.removeprefix("# yaml-language-server: $schema=")
        assert schema.resolve() == root / ".keyturn/credential.schema.json"
    import_resources(begin(), ImportOptions(("connection/*",)))
    connection = (root / "manifests/prod/connections/prod-s3.yaml").read_text()
    assert connection.startswith("kind: connection\n")


def test_not_while_somebody_applies(begin):
    """The state has one writer."""
    run = begin()
    acquire_lock(run.store, LockHolder(id="x", who="ada", host="elsewhere"), run.clock)
    with pytest.raises(LockHeld):
        import_resources(run, ImportOptions())


@pytest.mark.usefixtures("lived_in")
def test_a_folder_that_no_plan_looks_into_is_refused(begin):
    """What would be written there would never be seen again."""
    with pytest.raises(DiagnosticError) as caught:
        import_resources(begin(), ImportOptions(folders={"prod-": "elsewhere"}))
    assert caught.value.diagnostics[0].code == "KT073"


def test_what_is_written_is_adopted(lived_in, begin):
    """File and entry of the state come together; what has no file has no entry."""
    lived_in.service.seed_objects(credentials=[{"name": "Not A File", "type": "aws", "config": ROLE}])
    run = begin()
    found = told(import_resources(run, ImportOptions()))
    assert found["Not A File"] is False
    entries = load_state(run.store, run.workspace.name, run.workspace.organization).state.entries
    assert {address.name for address in entries} == {name for name, written in found.items() if written}


def test_two_of_a_name_are_left(lived_in, begin):
    """Which one is meant is not for a machine to say."""
    lived_in.service.change_settings(unique_names=False)
    lived_in.service.seed_objects(credentials=[{"name": "prod-spare", "type": "aws", "config": ROLE}])
    found = [each for each in import_resources(begin(), ImportOptions()) if each.address.name == "prod-spare"]
    assert found
    assert all("stands for 2 objects" in each.error for each in found)


def test_the_journal_names_who_imported(lived_in, begin):
    """Who, host, commit and run id, what was taken in, and how many were not."""
    run = begin()
    file = lived_in.repo.root / "manifests/prod/credentials/prod-lake.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n")
    import_resources(run, ImportOptions())
    events = [record.event for record in read_journal_records(run.store.open_log().read(0))]
    started = events[0]
    assert isinstance(started, RunStarted)
    assert (started.command, started.who, started.host) == ("import", run.actor.who, run.actor.host)
    assert {each.address.name for each in events if isinstance(each, OutcomeRecorded)} == {
        "prod-spare",
        "prod-s3",
    }
    (ended,) = [each for each in events if isinstance(each, RunFinished)]
    assert (ended.run, ended.counts) == (started.run, {"done": 2, "skipped": 1})
