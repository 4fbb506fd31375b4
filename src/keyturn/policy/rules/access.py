"""Access: whether policy says who may decrypt a file."""

from collections.abc import Iterator

from keyturn.core.diagnostic import Severity
from keyturn.policy.fleet import ManifestIndex
from keyturn.policy.rule import Violation, Requires, on_index
from keyturn.policy.settings import PolicySettings, recipients_for


def recipients_stated(fleet: ManifestIndex, settings: PolicySettings) -> Iterator[Violation]:
    """Find files with secrets whose readers are not set down in the settings."""
    sealed = [subject for subject in fleet.resources if subject.ciphertext_digests]
    if sealed and not settings.recipients:
        yield Violation(message="policy.recipients is empty, so nobody notices a new reader of a secret")
        return
    for subject in sealed:
        if recipients_for(settings, subject.file) is None:
            message = "policy.recipients does not cover this file"
            yield Violation(resource=subject, path=("secrets",), message=message, at_key=True)


RULES = (on_index("KT376", Severity.WARNING, recipients_stated, Requires.MANIFEST),)
