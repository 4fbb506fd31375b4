"""Import of live objects into manifests."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.import_resources import ImportOptions, import_resources
from keyturn.state.events import OutcomeRecorded, RunFinished, RunStarted
from keyturn.state.journal_record import read_journal_records
from keyturn.state.lock import LockHeld, LockHolder, acquire_lock
from keyturn.state.reader import load_state

ROLE = {"role_arn": "arn:aws:iam::123456789012:role/r", "region": "eu-central-1"}


@pytest.fixture
def workspace(setup):
    """Return a workspace with two unmanaged credentials and a connection that uses one of them."""
    made = [{"name": name, "type": "aws", "config": ROLE} for name in ("prod-lake", "prod-spare")]
    ids = setup.service.seed_objects(credentials=made)["credentials"]
    bucket = {
        "name": "prod-s3",
        "type": "s3",
        "credentialId": ids[0],
        "config": {"bucket": "b", "region": "eu"},
    }
    setup.service.seed_objects(connections=[bucket])
    (setup.repo.root / "manifests/prod").mkdir(parents=True)
    return setup


def imported(results):
    """Return whether each object was imported, by name."""
    return {each.address.name: bool(each.file) for each in results}


def test_a_second_import_finds_nothing(workspace, begin):
    """The first one imports everything and writes nothing to the service."""
    assert imported(import_resources(begin(), ImportOptions())) == {
        "prod-lake": True,
        "prod-spare": True,
        "prod-s3": True,
    }
    assert import_resources(begin(), ImportOptions()) == ()
    assert workspace.count_writes() == 0
    connection = (workspace.repo.root / "manifests/prod/connections/prod-s3.yaml").read_text()
    assert "credential: " in connection
    assert "prod-lake" in connection


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["prod-spare"], {"prod-spare"}), (["connection/*"], {"prod-s3"}), (["nobody"], set())],
)
@pytest.mark.usefixtures("workspace")
def test_named_objects_are_imported(begin, names, expected):
    """Names, addresses and patterns."""
    assert set(imported(import_resources(begin(), ImportOptions(names=tuple(names))))) == expected


def test_an_existing_file_is_not_overwritten(workspace, begin):
    """The result has the reason."""
    file = workspace.repo.root / "manifests/prod/credentials/prod-lake.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n")
    results = {
        each.address.name: each for each in import_resources(begin(), ImportOptions(names=("prod-lake",)))
    }
    assert "already exists" in results["prod-lake"].error
    assert file.read_text() == "# mine\n"


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("folder", ["manifests/prod", "manifests/prod/deeper/still"])
def test_the_modeline_names_an_existing_schema(workspace, begin, folder):
    """From a folder of any depth; without the schema file there is no modeline."""
    root = workspace.repo.root
    options = ImportOptions(names=("credential/*",), folders={"prod-": folder})
    (root / ".keyturn").mkdir(exist_ok=True)
    (root / ".keyturn/credential.schema.json").write_text("{}")
    import_resources(begin(), options)
    for name in ("prod-lake", "prod-spare"):
        file = root / folder / f"credentials/{name}.yaml"
        first = file.read_text().splitlines()[0]
        schema = file.parent / first.removeprefix("# yaml-language-server: $schema=")
        assert schema.resolve() == root / ".keyturn/credential.schema.json"
    import_resources(begin(), ImportOptions(names=("connection/*",)))
    connection = (root / "manifests/prod/connections/prod-s3.yaml").read_text()
    assert connection.startswith("kind: connection\n")


def test_an_import_needs_the_lock(begin):
    """The state has one writer."""
    run = begin()
    acquire_lock(run.store, LockHolder(id="x", who="ada", host="elsewhere"), run.clock)
    with pytest.raises(LockHeld):
        import_resources(run, ImportOptions())


@pytest.mark.usefixtures("workspace")
def test_a_folder_outside_of_the_workspace_is_refused(begin):
    """KT073."""
    with pytest.raises(DiagnosticError) as caught:
        import_resources(begin(), ImportOptions(folders={"prod-": "elsewhere"}))
    assert caught.value.diagnostics[0].code == "KT073"


def test_an_imported_object_has_a_state_entry(workspace, begin):
    """A skipped object has none."""
    workspace.service.seed_objects(credentials=[{"name": "prod-empty", "type": "aws", "config": {}}])
    run = begin()
    found = imported(import_resources(run, ImportOptions()))
    assert found["prod-empty"] is False
    entries = load_state(run.store, run.workspace.name, run.workspace.organization).state.entries
    assert {address.name for address in entries} == {name for name, written in found.items() if written}


def test_objects_of_the_same_name_are_skipped(workspace, begin):
    """The reason lists their IDs."""
    workspace.service.change_settings(unique_names=False)
    workspace.service.seed_objects(credentials=[{"name": "prod-spare", "type": "aws", "config": ROLE}])
    found = [each for each in import_resources(begin(), ImportOptions()) if each.address.name == "prod-spare"]
    assert found
    assert all("2 live objects share this name" in each.error for each in found)


def test_the_journal_has_the_import(workspace, begin):
    """Its author and host, the imported objects, and the counts."""
    run = begin()
    file = workspace.repo.root / "manifests/prod/credentials/prod-lake.yaml"
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
