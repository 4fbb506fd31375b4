"""The diagnostic of a guard."""

from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import Severity
from keyturn.planning.guards import guard_violation
from sample_resources import credential_address, make_desired

DB = credential_address("prod-db")


def test_location_of_a_violation():
    """At the manifest, or at the state without one."""
    there = guard_violation(
        "KT459", Change(action=Action.UPDATE, address=DB, desired=make_desired(DB)), "said", "do"
    )
    gone = guard_violation("KT459", Change(action=Action.RETIRE, address=DB), "said", "do")
    assert (there.severity, there.address, there.message, there.hint) == (Severity.ERROR, DB, "said", "do")
    assert (there.origin.file, gone.origin.file) == ("manifests/credentials/prod-db.yaml", "state")
