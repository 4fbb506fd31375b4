"""An exported ledger."""

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.engine.exported import exported
from keyturn.ledger.document import Ledger, to_json
from keyturn.load.project import project_from
from making import credential, held, wanted
from stagehand import PROJECT


@pytest.fixture
def workspace(tmp_path):
    """Return a workspace."""
    return project_from(PROJECT.encode(), tmp_path).workspace()


def test_its_entries_are_read(tmp_path, workspace):
    """As they were written."""
    known = held(wanted(credential("a")), "id-a")
    ledger = Ledger(workspace="prod", organization="ORGANIZATION", entries={known.address: known})
    path = tmp_path / "ledger.json"
    path.write_bytes(to_json(ledger))
    assert exported(path, workspace) == {known.address: known}


@pytest.mark.parametrize("other", [{"workspace": "dev"}, {"organization": "org_x"}])
def test_that_of_another_workspace_is_refused(tmp_path, workspace, other):
    """A plan against it would be about other objects."""
    ledger = Ledger(**{"workspace": "prod", "organization": "ORGANIZATION", "entries": {}, **other})
    path = tmp_path / "ledger.json"
    path.write_bytes(to_json(ledger))
    with pytest.raises(Faulty) as caught:
        exported(path, workspace)
    assert caught.value.findings[0].code.startswith("KT60")


def test_what_is_no_ledger_is_refused(tmp_path, workspace):
    """Damaged on the way."""
    path = tmp_path / "ledger.json"
    path.write_text("{")
    with pytest.raises(Faulty):
        exported(path, workspace)
