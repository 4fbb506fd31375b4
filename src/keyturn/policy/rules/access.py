"""Access: whether policy says who may decrypt a file."""

from collections.abc import Iterator

from keyturn.core.diagnostic import Severity
from keyturn.policy.fleet import Fleet
from keyturn.policy.rule import Found, Needs, on_fleet
from keyturn.policy.settings import Settings, recipients_for


def recipients_stated(fleet: Fleet, settings: Settings) -> Iterator[Found]:
    """Find files with secrets whose readers are not set down in the settings."""
    sealed = [subject for subject in fleet.subjects if subject.ciphers]
    if sealed and not settings.recipients:
        yield Found(message="policy.recipients is empty, so nobody notices a new reader of a secret")
        return
    for subject in sealed:
        if recipients_for(settings, subject.file) is None:
            message = "policy.recipients does not cover this file"
            yield Found(subject=subject, path=("secrets",), message=message, key=True)


RULES = (on_fleet("KT376", Severity.WARNING, recipients_stated, Needs.MANIFEST),)
