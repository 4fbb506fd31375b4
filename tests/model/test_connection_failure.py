"""Classification of failed connection tests by their message."""

import pytest

from keyturn.model.connection_failure import (
    REASONS_BEFORE_LOGIN,
    FailureReason,
    classify_failure,
    hint_for_failure,
)
from planasonix_emulator.targets.targets import OUTCOME_MESSAGES

CLASSES = {
    "network": FailureReason.NETWORK,
    "refused": FailureReason.NETWORK,
    "auth": FailureReason.AUTHENTICATION,
    "tls": FailureReason.TLS,
    "firewall": FailureReason.FIREWALL,
    "forbidden": FailureReason.FORBIDDEN,
    "signature": FailureReason.AUTHENTICATION,
    "consent": FailureReason.CONSENT,
}


@pytest.mark.parametrize("outcome", sorted(OUTCOME_MESSAGES.keys() - {"ok"}))
def test_documented_messages_have_their_reason(outcome):
    """Each failure of the vendor's troubleshooting page has its own reason."""
    assert classify_failure(OUTCOME_MESSAGES[outcome]) is CLASSES[outcome]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('FATAL: password authentication failed for user "svc"', FailureReason.AUTHENTICATION),
        ("Access denied for user 'svc'@'10.0.0.1'", FailureReason.AUTHENTICATION),
        ("permission denied for schema landing", FailureReason.FORBIDDEN),
        ("SSL SYSCALL error: EOF detected", FailureReason.TLS),
        ("could not translate host name: Name or service not known", FailureReason.NETWORK),
        ("connection to server failed: timed out", FailureReason.NETWORK),
        ("no pg_hba.conf entry for host", FailureReason.FIREWALL),
        ("invalid_grant: Token has been expired or revoked", FailureReason.CONSENT),
        ("something else", FailureReason.UNKNOWN),
        ("", FailureReason.UNKNOWN),
    ],
)
def test_messages_of_drivers_have_a_reason(message, reason):
    """Messages of database drivers are classified, too."""
    assert classify_failure(message) is reason


@pytest.mark.parametrize("reason", FailureReason)
def test_every_reason_has_a_hint(reason):
    """A reason alone does not help the user."""
    assert hint_for_failure(reason)


def test_a_possible_login_counts_towards_account_locks():
    """A failure that may have been a login attempt counts."""
    assert {FailureReason.AUTHENTICATION, FailureReason.UNKNOWN}.isdisjoint(REASONS_BEFORE_LOGIN)


def test_a_rejected_oauth_client_is_no_missing_consent():
    """A wrong client secret is a failure of authentication."""
    assert classify_failure("OAuth error: invalid_client") is FailureReason.AUTHENTICATION
    assert classify_failure("OAuth error: invalid_grant") is FailureReason.CONSENT
