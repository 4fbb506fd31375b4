"""Consent of OAuth credentials."""

from msgspec.structs import replace

from keyturn.model.change import Action, Change
from keyturn.model.diagnostic import Cause, Severity
from keyturn.planning.oauth_consent import find_needed_consents
from sample_resources import credential_address, make_desired


def test_each_change_that_needs_consent_has_a_note():
    """A note at the manifest that does not prevent the apply; other changes have none."""
    db, crm = credential_address("prod-db"), credential_address("prod-crm")
    oauth = Change(action=Action.CREATE, address=crm, desired=replace(make_desired(crm), type="oauth"))
    (note,) = find_needed_consents(
        [Change(action=Action.CREATE, address=db, desired=make_desired(db)), oauth]
    )
    assert (note.code, note.severity, note.cause) == ("KT465", Severity.NOTE, Cause.CONSENT_NEEDED)
    assert (note.address, note.origin) == (crm, oauth.desired.origin)
