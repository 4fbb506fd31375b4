"""A ledger that somebody exported."""

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.engine.exported import exported
from keyturn.ledger.document import Ledger, to_json
from keyturn.load.project import read_project
from making import credential, held, wanted

KNOWN = held(wanted(credential("prod-db")), "id1")


@pytest.mark.parametrize(("workspace", "code"), [("prod", ""), ("stage", "KT601")])
def test_it_is_the_document_of_the_store(office, tmp_path, workspace, code):
    """Of this workspace, or of none."""
    file = tmp_path / "ledger.json"
    ledger = Ledger(workspace=workspace, organization=office.service.organization)
    file.write_bytes(to_json(ledger.with_entry(KNOWN)))
    here = read_project(office.repo.root).workspace("")
    if not code:
        assert set(exported(file, here)) == {KNOWN.address}
        return
    with pytest.raises(Faulty) as caught:
        exported(file, here)
    assert caught.value.findings[0].code == code
