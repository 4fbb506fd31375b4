"""How far a change reaches, asked of the emulator."""

import pytest
from msgspec.structs import replace

from keyturn.model.change import Action, Change
from keyturn.model.plan import Impact
from keyturn.operations.observe import list_live_objects
from keyturn.operations.plan import impact, usage_graph
from keyturn.operations.plan.impact import compute_impact
from making import connection, credential, held, wanted

DB, PG = credential("prod-db"), connection("prod-pg")
WHERE = {"type": "postgres", "config": {"host": "h", "port": 1, "database": "d"}}
TIMES = {"enabled": True, "next_run_at": "2026-01-02T03:00:00Z", "cron_expression": "0 3 * * *"}
ASKED = ("/api/pipelines", "/api/schedules", "/api/reverse-etl/syncs")
UNKNOWN = (None, None, None, None)


class World:
    """A credential with connections, and what the run sees of them."""

    def __init__(self, office, run) -> None:
        self.office, self.run = office, run
        (self.db,) = self.seed(credentials=[{"name": "prod-db", "type": "database", "config": {}}])[
            "credentials"
        ]
        self.pg, self.ui = (self.connect(name, credentialId=self.db) for name in ("prod-pg", "made-in-ui"))

    def seed(self, **trees):
        """Make objects as people in the UI do."""
        return self.office.service.seed_objects(**trees)

    def connect(self, name, **more):
        """Make a connection; return its id."""
        return self.seed(connections=[{"name": name, **WHERE, **more}])["connections"][0]

    def pipeline(self, identity, *ids, name="nightly", **more):
        """Make a pipeline with a node for each id."""
        nodes = [{"id": f"n{id_}", "config": {"connectionId": id_}} for id_ in ids]
        self.seed(
            pipelines=[
                {"id": identity, "name": name, "status": "active", "nodes": nodes, "edges": [], **more}
            ]
        )

    def schedule(self, identity, pipeline, **more):
        """Make a schedule of a pipeline."""
        self.seed(schedules=[{"id": identity, "pipeline_id": pipeline, **TIMES, **more}])

    def sync(self, identity, destination, **more):
        """Make a sync into a connection."""
        self.seed(syncs=[{"id": identity, "name": "leads", "destination_id": destination, **more}])

    def live(self):
        """Return what the two lists show, by id."""
        return {each.id: each for each in list_live_objects(self.run.service)}

    def known(self, **applied):
        """Return the state's entries: the credential and the first connection are ours."""
        entry = held(wanted(PG), self.pg)
        return {DB: held(wanted(DB), self.db), PG: replace(entry, applied={**entry.applied, **applied})}

    def reach(self, target="", action=Action.ROTATE, known=None):
        """Return how far a change of the credential, or of another object, reaches."""
        live, known = self.live(), known or self.known()
        address = PG if target == self.pg else DB
        change = Change(action=action, address=address, entry=known[address], live=live[target or self.db])
        return compute_impact(self.run.service, (change,), live, known)

    def impact(self, target="", **more):
        """Return the impact alone."""
        (found,) = self.reach(target, **more).impact.values()
        return found

    def asked(self, since=0):
        """Return the paths that were read."""
        return [each["path"] for each in self.office.service.list_requests(since)]


@pytest.fixture
def world(office, run):
    """Return a world with one pipeline that runs at night."""
    made = World(office, run)
    made.pipeline("pl_1", made.pg)
    made.schedule("sch_1", "pl_1")
    return made


def numbers(impact):
    """Return the four numbers of an impact."""
    return (impact.connections, impact.pipelines, impact.syncs, impact.scheduled)


DIALECTS = [{}, {"dialect": "backend"}, {"dialect": "jsonapi"}, {"stringify": True}, {"page_size": 1}]


@pytest.mark.parametrize("office", DIALECTS, ids=str, indirect=True)
def test_users_in_git_and_in_the_ui_are_told_apart(world):
    """In every dialect: connections, pipelines, the next run, syncs, and whom a retirement would hit."""
    world.sync("sy_1", world.ui)
    found = world.reach()
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


@pytest.mark.parametrize("office", DIALECTS, ids=str, indirect=True)
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
def test_a_pipeline_is_searched_wherever_an_id_may_stand(world, shape):
    """Nodes, settings, the two fields of the list, a key that nobody has heard of."""

    def filled(tree):
        if isinstance(tree, dict):
            return {key: filled(value) for key, value in tree.items()}
        return [filled(each) for each in tree] if isinstance(tree, list) else tree.replace("ID", world.ui)

    world.seed(pipelines=[{"id": "pl_2", "name": "odd", "status": "active", **filled(shape)}])
    found = world.impact()
    assert (found.pipelines, found.downstream) == (2, ("pipeline/nightly", "pipeline/odd"))


def test_a_pipeline_on_two_connections_counts_once(world):
    """Source and destination are one pipeline, and its schedule is one."""
    world.pipeline("pl_2", world.pg, world.ui, name="copy")
    world.schedule("sch_2", "pl_2", next_run_at="2026-01-01T00:00:00Z")
    found = world.impact()
    assert numbers(found) == (2, 2, 0, 2)
    assert found.next_run == "2026-01-01T00:00:00Z"


def test_two_pipelines_of_one_name_are_two(world):
    """Names are no ids."""
    world.pipeline("pl_2", world.ui)
    world.schedule("sch_2", "pl_2")
    assert numbers(world.impact()) == (2, 2, 0, 2)


def test_a_pipeline_may_use_the_credential_itself(world):
    """A node that names it counts, and stands in the way of a retirement."""
    nodes = [{"config": {"credential_id": world.db}}]
    world.seed(pipelines=[{"id": "pl_2", "name": "direct", "status": "active", "nodes": nodes}])
    found = world.reach()
    assert found.impact[DB].pipelines == 2
    assert found.users[world.db] == ("connection/made-in-ui", "pipeline direct")


def test_a_further_reference_in_settings_counts(world):
    """A connection made in the UI that stages its files with our credential: no list shows it."""
    staging = {"bucket": "b", "staging": {"credentialId": world.db}}
    (other,) = world.seed(credentials=[{"name": "own", "type": "database", "config": {}}])["credentials"]
    world.connect("stages", credentialId=other, config={**WHERE["config"], **staging})
    found = world.reach()
    assert found.impact[DB].connections == 3
    assert found.impact[DB].unmanaged_connections == ("connection/made-in-ui", "connection/stages")
    assert "connection/stages" in found.users[world.db]


def test_nothing_is_nought(world):
    """A credential that nobody uses is used by none, and that is known."""
    (lone,) = world.seed(credentials=[{"name": "lone", "type": "database", "config": {}}])["credentials"]
    assert numbers(world.impact(lone)) == (0, 0, 0, 0)


def test_the_reach_of_a_connection(world):
    """Its own pipelines and syncs, and no connections beside it."""
    world.pipeline("pl_2", world.ui, name="other")
    world.sync("sy_1", world.pg)
    found = world.reach(world.pg, Action.RETIRE)
    assert numbers(found.impact[PG])[1:] == (1, 1, 1)
    assert (found.impact[PG].managed_connections, found.impact[PG].unmanaged_connections) == ((), ())
    assert found.users[world.pg] == ("pipeline nightly", "sync leads")


def test_what_is_off_or_gone_is_not_counted(world):
    """A disabled schedule does not run, a deleted pipeline or connection uses nothing."""
    world.schedule("sch_2", "pl_1", enabled=False, next_run_at="2025-01-01T00:00:00Z")
    world.pipeline("pl_2", world.pg, name="gone", status="deleted")
    world.office.service.change_settings(list_deleted=True)
    world.office.service.perform_ui_action("trash", collection="connections", name="made-in-ui")
    found = world.impact()
    assert numbers(found) == (1, 1, 0, 1)
    assert found.next_run == "2026-01-02T03:00:00Z"


def test_a_schedule_without_a_time_counts(world):
    """When it runs next is not known, that it runs is."""
    world.schedule("sch_1", "pl_1", next_run_at=None)
    found = world.impact()
    assert (found.scheduled, found.next_run) == (1, "")


# What is not known -------------------------------------------------------------------------------


def test_rights_that_end_before_pipelines(world):
    """Unknown, and the connections are still told."""
    world.office.service.accept_key(
        world.office.repo.key, scopes=["connections:read"], organization=world.office.service.organization
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
def test_a_route_that_does_not_answer_is_unknown(world, path, expected, status):
    """Each of them alone: the number is not known, and never nought."""
    world.office.service.add_fault("status_before", path=path, status=status, times=0)
    found = numbers(world.impact())
    if (path, status) == ("/api/pipelines/*", 404):
        # One that is gone is no riddle; in this dialect the list says nothing of it.
        assert found == (2, 0, 0, 0)
    else:
        assert found == expected


def test_more_pipelines_than_are_read(world, monkeypatch):
    """Beyond the bound none is read in full, and the number is unknown."""
    monkeypatch.setattr(usage_graph, "MAX_PIPELINE_READS", 3)
    for number in range(2, 5):
        world.pipeline(f"pl_{number}", world.pg)
    since = len(world.asked())
    assert numbers(world.impact()) == (2, None, 0, None)
    assert not [path for path in world.asked(since) if path.startswith("/api/pipelines/")]


def test_more_connections_than_are_read(world, monkeypatch):
    """Beyond the bound: what the list shows is told by name, and that it is all is not."""
    monkeypatch.setattr(impact, "MAX_CONNECTION_READS", 1)
    since = len(world.asked())
    found = world.impact()
    assert numbers(found) == UNKNOWN
    assert found.unmanaged_connections == ("connection/made-in-ui",)
    assert (found.downstream, found.next_run) == (("pipeline/nightly",), "2026-01-02T03:00:00Z")
    assert not [path for path in world.asked(since) if path.startswith("/api/connections/")]


def test_a_connection_that_cannot_be_read(world):
    """It may use the credential in its settings: the numbers are unknown."""
    world.office.service.add_fault("status_before", path="/api/connections/*", status=403, times=0)
    assert numbers(world.impact()) == UNKNOWN


@pytest.mark.parametrize("office", [{"dialect": "backend", "backend_link": "ignore"}], indirect=True)
def test_a_deployment_that_hides_who_uses_what(world):
    """No number is known; those that the state has as users are named, with what runs on them."""
    known = world.known()
    known[PG] = replace(known[PG], applied={("credential",): DB})
    found = world.impact(known=known)
    assert numbers(found) == UNKNOWN
    assert (found.managed_connections, found.unmanaged_connections) == (("connection/prod-pg",), ())
    assert found.downstream == ("pipeline/nightly",)


def test_a_schedule_that_contradicts_itself_is_unknown(world):
    """Two spellings with two values: no guess."""
    world.schedule("sch_2", "pl_1", pipelineId="pl_other")
    assert numbers(world.impact()) == (2, 1, 0, None)


# What is asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [Action.CREATE, Action.FORGET, Action.NO_OP])
def test_what_nobody_feels_is_not_asked_for(world, action):
    """A new object, one that is gone, and a doubt ask the service nothing."""
    live, known = world.live(), world.known()
    since = len(world.asked())
    change = Change(action=action, address=DB, entry=known[DB], live=live[world.db])
    found = compute_impact(world.run.service, (change,), live, known)
    assert (found.impact, found.users) == ({}, {})
    assert world.asked(since) == []


@pytest.mark.parametrize("action", sorted({*Action} - {Action.CREATE, Action.FORGET, Action.NO_OP}, key=str))
def test_whatever_is_written_is_asked_for(world, action):
    """An adoption too: what others built on the object meets new values."""
    live, known = world.live(), world.known()
    change = Change(action=action, address=DB, entry=known[DB], live=live[world.db])
    assert numbers(compute_impact(world.run.service, (change,), live, known).impact[DB]) == (2, 1, 0, 1)


def test_many_changes_ask_no_more_than_one(world):
    """The graph is read once, each connection once."""
    live, known = world.live(), world.known()
    since = len(world.asked())
    changes = tuple(
        Change(action=Action.UPDATE, address=address, entry=known[address], live=live[known[address].id])
        for address in (DB, PG)
    )
    compute_impact(world.run.service, changes, live, known)
    paths = world.asked(since)
    assert len(paths) == len(set(paths))
    assert set(ASKED) <= set(paths)


def test_a_change_of_a_connection_reads_no_connection(world):
    """Whom it hits stands in pipelines and syncs alone."""
    live, known = world.live(), world.known()
    since = len(world.asked())
    change = Change(action=Action.UPDATE, address=PG, entry=known[PG], live=live[world.pg])
    compute_impact(world.run.service, (change,), live, known)
    assert not [path for path in world.asked(since) if path.startswith("/api/connections/")]


def test_a_plan_without_changes_asks_for_no_reach(office, canary):
    """End to end: two lists and who we are, and nothing that grows with what others built."""
    office.repo.credential("prod-db", {"password": canary()})
    office.repo.connection("prod-pg", "prod-db")
    assert office.here("apply", "--yes").code == 0
    since = len(office.service.list_requests())
    assert office.here("plan").code == 0
    paths = [each["path"] for each in office.service.list_requests(since)]
    assert not set(paths) & set(ASKED)
    office.repo.credential("prod-db", {"password": canary()})
    since = len(office.service.list_requests())
    assert office.here("plan").code == 0
    assert set(ASKED) <= {each["path"] for each in office.service.list_requests(since)}
