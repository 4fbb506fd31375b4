"""Open settings may hold any JSON value: plan, apply and rotation accept all shapes."""

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from keyturn.schema.definitions import load_schema, load_type_schema
from planasonix_emulator.server import Emulator
from workspace import Repository
from workspace_setup import WorkspaceSetup

TEXT = st.text(alphabet="aZé漢🙂", max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.sampled_from([0.5, -1.25]) | TEXT
KEYS = st.sampled_from(["depth", "größe", "x"])
ITEMS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)
VALUES = SCALARS | st.lists(ITEMS, max_size=3) | st.dictionaries(KEYS, SCALARS, min_size=1, max_size=2)
EDGE_VALUES = [[], [{}], [1, {"x": None}], {"x": []}, {"x": {"depth": [0.5, True]}}, None, False, 0, ""]


def list_open_types(credential_type):
    """Return the connection types with open settings that accept a type of credential."""
    names = load_schema("connection")["$defs"]
    types = {name: load_type_schema("connection", name) for name in names}
    return sorted(
        name
        for name, schema in types.items()
        if schema.get("x-open") and credential_type in schema.get("x-credential-types", ())
    )


OPEN_TYPES = list_open_types("database")


@pytest.mark.parametrize("strategy", ["verify", "replace", "in_place"])
@settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values=st.lists(VALUES, min_size=len(OPEN_TYPES), max_size=len(OPEN_TYPES)))
@example(values=[EDGE_VALUES[number % len(EDGE_VALUES)] for number in range(len(OPEN_TYPES))])
def test_every_shape_of_value_survives_a_rotation(strategy, values, tmp_path_factory, age_key, canary):
    """Each open type has a setting of some shape: the second plan is empty, and the secret rotates."""
    with Emulator.start() as service:
        repo = Repository(tmp_path_factory.mktemp("open"), age_key, service.base_url, service.organization)
        repo.key = service.key
        setup = WorkspaceSetup(repo, service)
        for name, value in zip(OPEN_TYPES, values, strict=True):
            repo.connection(f"prod-{name}", "prod-db", {"more": value}, type=name)
        for _ in range(2):
            repo.credential("prod-db", {"password": canary()}, rotation={"strategy": strategy})
            applied = setup.run("apply", "--auto-approve")
            assert applied.code == 0, applied.stdout + applied.stderr
            planned = setup.run("plan", "--detailed-exitcode")
            assert planned.code == 0, planned.stdout + planned.stderr
