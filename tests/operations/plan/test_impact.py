"""The impact of changes, with the emulator as the service."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, Change
from keyturn.model.plan import Impact
from keyturn.operations.observe import list_live_objects
from keyturn.operations.plan import impact, usage_graph
from keyturn.operations.plan.impact import compute_impact
from sample_resources import connection_address, credential_address, make_desired, make_state_entry

DB, PG = credential_address("prod-db"), connection_address("prod-pg")
WHERE = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
TIMES = {"enabled": True, "next_run_at": "2026-01-02T03:00:00Z", "cron_expression": "0 3 * * *"}
USAGE_PATHS = ("/api/pipelines", "/api/schedules", "/api/reverse-etl/syncs")
UNKNOWN = (None, None, None, None)


class World:
    """A credential with two connections, one of them managed."""

    def __init__(self, setup, run) -> None:
        self.setup, self.run = setup, run
        (self.db,) = self.seed(credentials=[{"name": "prod-db", "type": "database", "config": {}}])[
            "credentials"
        ]
        self.pg, self.ui = (self.connect(name, credentialId=self.db) for name in ("prod-pg", "made-in-ui"))

    def seed(self, **trees):
        """Create objects as in the UI."""
        return self.setup.service.seed_objects(**trees)

    def connect(self, name, **more):
        """Create a connection; return its ID."""
        return self.seed(connections=[{"name": name, **WHERE, **more}])["connections"][0]

    def pipeline(self, identity, *ids, name="nightly", **more):
        """Create a pipeline with a node for each ID."""
        nodes = [{"id": f"n{id_}", "config": {"connectionId": id_}} for id_ in ids]
        self.seed(
            pipelines=[
                {"id": identity, "name": name, "status": "active", "nodes": nodes, "edges": [], **more}
            ]
        )

    def schedule(self, identity, pipeline, **more):
        """Create a schedule of a pipeline."""
        self.seed(schedules=[{"id": identity, "pipeline_id": pipeline, **TIMES, **more}])

    def sync(self, identity, destination, **more):
        """Create a sync into a connection."""
        self.seed(syncs=[{"id": identity, "name": "leads", "destination_id": destination, **more}])

    def live(self):
        """Return the listed objects by ID."""
        return {each.id: each for each in list_live_objects(self.run.service)}

    def known(self, **applied):
        """Return the state entries of the credential and of the first connection."""
        entry = make_state_entry(make_desired(PG), self.pg)
        return {
            DB: make_state_entry(make_desired(DB), self.db),
            PG: replace(entry, applied={**entry.applied, **applied}),
        }

    def report(self, target="", action=Action.ROTATE, known=None):
        """Return the report for a change of the credential, or of another object."""
        live, known = self.live(), known or self.known()
        address = PG if target == self.pg else DB
        change = Change(action=action, address=address, entry=known[address], live=live[target or self.db])
        return compute_impact(self.run.service, (change,), live, known)

    def impact(self, target="", **more):
        """Return the impact of the change."""
        (found,) = self.report(target, **more).impact.values()
        return found

    def requests(self, since=0):
        """Return the paths of the requests."""
        return [each["path"] for each in self.setup.service.list_requests(since)]


@pytest.fixture
def world(setup, run):
    """Return a workspace with a scheduled pipeline."""
    made = World(setup, run)
    made.pipeline("pl_1", made.pg)
    made.schedule("sch_1", "pl_1")
    return made


def numbers(impact):
    """Return the four numbers of an impact."""
    return (impact.connections, impact.pipelines, impact.syncs, impact.scheduled)


DIALECTS = [{}, {"dialect": "backend"}, {"dialect": "jsonapi"}, {"stringify": True}, {"page_size": 1}]


@pytest.mark.parametrize("setup", DIALECTS, ids=str, indirect=True)
def test_managed_and_unmanaged_users_are_separate(world):
    """In every dialect, with pipelines, syncs and the next run."""
    world.sync("sy_1", world.ui)
    found = world.report()
    assert found.impact[DB] == Impact(
        connections=2,
        pipelines=1,
        syncs=1,
        scheduled=1,
        next_run="2026-01-02T03:00:00Z",
        unmanaged_connections=("connection/made-in-ui",),
        managed_connections=("connection/prod-pg",),
        downstream=("pipeline/nightly", "sync/leads"),
    )
    assert found.users[world.db] == ("connection/made-in-ui",)


@pytest.mark.parametrize("setup", DIALECTS, ids=str, indirect=True)
@pytest.mark.parametrize(
    "shape",
    [
        {"nodes": [{"config": {"connectionId": "ID"}}]},
        {"nodes": [{"config": {"deep": [{"er": {"any_name": "ID"}}]}}]},
        {"sourceConnectionId": "ID"},
        {"destConnectionId": "ID", "nodes": []},
        {"config": {"source": {"connection": "ID"}}},
        {"steps": ["ID"]},
    ],
    ids=str,
)
def test_an_id_is_found_anywhere_in_a_pipeline(world, shape):
    """In nodes, in the config, in the fields of the list, in an unknown field."""

    def filled(tree):
        if isinstance(tree, dict):
            return {key: filled(value) for key, value in tree.items()}
        return [filled(each) for each in tree] if isinstance(tree, list) else tree.replace("ID", world.ui)

    world.seed(pipelines=[{"id": "pl_2", "name": "odd", "status": "active", **filled(shape)}])
    found = world.impact()
    assert (found.pipelines, found.downstream) == (2, ("pipeline/nightly", "pipeline/odd"))


def test_a_pipeline_on_two_connections_counts_once(world):
    """Source and destination use the same credential."""
    world.pipeline("pl_2", world.pg, world.ui, name="copy")
    world.schedule("sch_2", "pl_2", next_run_at="2026-01-01T00:00:00Z")
    found = world.impact()
    assert numbers(found) == (2, 2, 0, 2)
    assert found.next_run == "2026-01-01T00:00:00Z"


def test_two_pipelines_of_one_name_are_two(world):
    """They have different IDs."""
    world.pipeline("pl_2", world.ui)
    world.schedule("sch_2", "pl_2")
    assert numbers(world.impact()) == (2, 2, 0, 2)


def test_a_pipeline_may_use_the_credential_itself(world):
    """A node with its ID is a user, and blocks a retirement."""
    nodes = [{"config": {"credential_id": world.db}}]
    world.seed(pipelines=[{"id": "pl_2", "name": "direct", "status": "active", "nodes": nodes}])
    found = world.report()
    assert found.impact[DB].pipelines == 2
    assert found.users[world.db] == ("connection/made-in-ui", "pipeline direct")


def test_a_reference_in_a_config_counts(world):
    """An unmanaged connection uses the credential for its staging; no list shows that."""
    staging = {"bucket": "b", "staging": {"credentialId": world.db}}
    (other,) = world.seed(credentials=[{"name": "own", "type": "database", "config": {}}])["credentials"]
    world.connect("stages", credentialId=other, config={**WHERE["config"], **staging})
    found = world.report()
    assert found.impact[DB].connections == 3
    assert found.impact[DB].unmanaged_connections == ("connection/made-in-ui", "connection/stages")
    assert "connection/stages" in found.users[world.db]


def test_an_unused_credential_has_zero_users(world):
    """Zero, not unknown."""
    (lone,) = world.seed(credentials=[{"name": "lone", "type": "database", "config": {}}])["credentials"]
    assert numbers(world.impact(lone)) == (0, 0, 0, 0)


def test_the_impact_of_a_connection(world):
    """Its pipelines and syncs, and no other connections."""
    world.pipeline("pl_2", world.ui, name="other")
    world.sync("sy_1", world.pg)
    found = world.report(world.pg, Action.RETIRE)
    assert numbers(found.impact[PG])[1:] == (1, 1, 1)
    assert (found.impact[PG].managed_connections, found.impact[PG].unmanaged_connections) == ((), ())
    assert found.users[world.pg] == ("pipeline nightly", "sync leads")


def test_disabled_and_deleted_users_are_not_counted(world):
    """A disabled schedule, a deleted pipeline, a deleted connection."""
    world.schedule("sch_2", "pl_1", enabled=False, next_run_at="2025-01-01T00:00:00Z")
    world.pipeline("pl_2", world.pg, name="gone", status="deleted")
    world.setup.service.change_settings(list_deleted=True)
    world.setup.service.perform_ui_action("trash", collection="connections", name="made-in-ui")
    found = world.impact()
    assert numbers(found) == (1, 1, 0, 1)
    assert found.next_run == "2026-01-02T03:00:00Z"


def test_a_schedule_without_a_time_counts(world):
    """The next run is unknown."""
    world.schedule("sch_1", "pl_1", next_run_at=None)
    found = world.impact()
    assert (found.scheduled, found.next_run) == (1, "")


# Unknown usage ------------------------------------------------------------------------------------


def test_a_key_without_the_right_to_pipelines(world):
    """Pipelines are unknown, connections are counted."""
    world.setup.service.accept_key(
        world.setup.repo.key, scopes=["connections:read"], organization=world.setup.service.organization
    )
    assert numbers(world.impact()) == (2, None, None, None)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/pipelines", (2, None, 0, None)),
        ("/api/pipelines/*", (2, None, 0, None)),
        ("/api/schedules", (2, 1, 0, None)),
        ("/api/reverse-etl/syncs", (2, 1, None, 1)),
    ],
)
@pytest.mark.parametrize("status", [403, 404, 400])
def test_a_failed_request_makes_a_number_unknown(world, path, expected, status):
    """Unknown, never 0."""
    world.setup.service.add_fault("status_before", path=path, status=status, times=0)
    found = numbers(world.impact())
    if (path, status) == ("/api/pipelines/*", 404):
        # A deleted pipeline has no users; in this dialect the list does not show its nodes.
        assert found == (2, 0, 0, 0)
    else:
        assert found == expected


def test_too_many_pipelines_are_unknown(world, monkeypatch):
    """Above the limit no pipeline is read in full."""
    monkeypatch.setattr(usage_graph, "MAX_PIPELINE_READS", 3)
    for number in range(2, 5):
        world.pipeline(f"pl_{number}", world.pg)
    since = len(world.requests())
    assert numbers(world.impact()) == (2, None, 0, None)
    assert not [path for path in world.requests(since) if path.startswith("/api/pipelines/")]


def test_too_many_connections_are_unknown(world, monkeypatch):
    """Above the limit the listed users are named, and the numbers are unknown."""
    monkeypatch.setattr(impact, "MAX_CONNECTION_READS", 1)
    since = len(world.requests())
    found = world.impact()
    assert numbers(found) == UNKNOWN
    assert found.unmanaged_connections == ("connection/made-in-ui",)
    assert (found.downstream, found.next_run) == (("pipeline/nightly",), "2026-01-02T03:00:00Z")
    assert not [path for path in world.requests(since) if path.startswith("/api/connections/")]


def test_a_connection_that_cannot_be_read(world):
    """Its config may use the credential: the numbers are unknown."""
    world.setup.service.add_fault("status_before", path="/api/connections/*", status=403, times=0)
    assert numbers(world.impact()) == UNKNOWN


@pytest.mark.parametrize("setup", [{"dialect": "backend", "backend_link": "ignore"}], indirect=True)
def test_a_deployment_that_hides_links(world):
    """The numbers are unknown; users in the state are named, with their pipelines."""
    known = world.known()
    known[PG] = replace(known[PG], applied={("credential",): DB})
    found = world.impact(known=known)
    assert numbers(found) == UNKNOWN
    assert (found.managed_connections, found.unmanaged_connections) == (("connection/prod-pg",), ())
    assert found.downstream == ("pipeline/nightly",)


def test_a_schedule_that_contradicts_itself_is_unknown(world):
    """Two spellings of a field with different values."""
    world.schedule("sch_2", "pl_1", pipelineId="pl_other")
    assert numbers(world.impact()) == (2, 1, 0, None)


# Requests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.CREATE, Action.FORGET, Action.NO_OP])
def test_an_action_without_impact_sends_no_request(world, action):
    """A new object, a forgotten one, and no operation."""
    live, known = world.live(), world.known()
    since = len(world.requests())
    change = Change(action=action, address=DB, entry=known[DB], live=live[world.db])
    found = compute_impact(world.run.service, (change,), live, known)
    assert (found.impact, found.users) == ({}, {})
    assert world.requests(since) == []


@pytest.mark.parametrize("action", sorted({*Action} - {Action.CREATE, Action.FORGET, Action.NO_OP}, key=str))
def test_every_write_has_an_impact(world, action):
    """An adoption, too: its users get new values."""
    live, known = world.live(), world.known()
    change = Change(action=action, address=DB, entry=known[DB], live=live[world.db])
    assert numbers(compute_impact(world.run.service, (change,), live, known).impact[DB]) == (2, 1, 0, 1)


def test_many_changes_send_each_request_once(world):
    """No path is read twice."""
    live, known = world.live(), world.known()
    since = len(world.requests())
    changes = tuple(
        Change(action=Action.UPDATE, address=address, entry=known[address], live=live[known[address].id])
        for address in (DB, PG)
    )
    compute_impact(world.run.service, changes, live, known)
    paths = world.requests(since)
    assert len(paths) == len(set(paths))
    assert set(USAGE_PATHS) <= set(paths)


def test_a_change_of_a_connection_reads_no_connection(world):
    """Only pipelines and syncs use it."""
    live, known = world.live(), world.known()
    since = len(world.requests())
    change = Change(action=Action.UPDATE, address=PG, entry=known[PG], live=live[world.pg])
    compute_impact(world.run.service, (change,), live, known)
    assert not [path for path in world.requests(since) if path.startswith("/api/connections/")]


def test_a_plan_without_changes_reads_no_usage(setup, canary):
    """A plan with changes does."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert setup.run("apply", "--yes").code == 0
    since = len(setup.service.list_requests())
    assert setup.run("plan").code == 0
    paths = [each["path"] for each in setup.service.list_requests(since)]
    assert not set(paths) & set(USAGE_PATHS)
    setup.repo.credential("prod-db", {"password": canary()})
    since = len(setup.service.list_requests())
    assert setup.run("plan").code == 0
    assert set(USAGE_PATHS) <= {each["path"] for each in setup.service.list_requests(since)}
