"""An exported state."""

import pytest

from in_process_run import PROJECT
from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan.offline_plan import read_exported_state
from keyturn.project.project import parse_project
from keyturn.state.document import State, encode_state
from sample_resources import credential_address, make_desired, make_state_entry


@pytest.fixture
def workspace(tmp_path):
    """Return a workspace."""
    return parse_project(PROJECT.encode(), tmp_path).find_workspace()


def test_the_entries_are_read(tmp_path, workspace):
    """Equal to those that were written."""
    known = make_state_entry(make_desired(credential_address("a")), "id-a")
    state = State(workspace="prod", organization="ORGANIZATION", entries={known.address: known})
    path = tmp_path / "state.json"
    path.write_bytes(encode_state(state))
    assert read_exported_state(path, workspace) == {known.address: known}


@pytest.mark.parametrize("other", [{"workspace": "dev"}, {"organization": "org_x"}])
def test_the_state_of_another_workspace_is_refused(tmp_path, workspace, other):
    """Its entries are other objects."""
    state = State(**{"workspace": "prod", "organization": "ORGANIZATION", "entries": {}, **other})
    path = tmp_path / "state.json"
    path.write_bytes(encode_state(state))
    with pytest.raises(DiagnosticError) as caught:
        read_exported_state(path, workspace)
    assert caught.value.diagnostics[0].code.startswith("KT60")


def test_a_damaged_state_is_refused(tmp_path, workspace):
    """A truncated file."""
    path = tmp_path / "state.json"
    path.write_text("{")
    with pytest.raises(DiagnosticError):
        read_exported_state(path, workspace)
