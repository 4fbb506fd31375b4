"""Why a connection test failed, told from the words of others."""

import pytest

from keyturn.model.connection_failure import (
    REASONS_BEFORE_LOGIN,
    WITHHELD_MESSAGE,
    FailureReason,
    classify_failure,
    hint_for_failure,
    redact_if_secret,
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
def test_documented_messages_have_their_class(outcome):
    """Each failure of the vendor's troubleshooting page is told apart."""
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
def test_words_of_drivers_have_a_class(message, reason):
    """Drivers' own words are read as well as the vendor's."""
    assert classify_failure(message) is reason


@pytest.mark.parametrize("reason", FailureReason)
def test_every_reason_says_what_to_do(reason):
    """Nobody is left with a class alone."""
    assert hint_for_failure(reason)


def test_a_failed_login_is_never_counted_as_none():
    """What could bring an account nearer to its lock counts, whatever the words were."""
    assert {FailureReason.AUTHENTICATION, FailureReason.UNKNOWN}.isdisjoint(REASONS_BEFORE_LOGIN)


def test_a_message_that_holds_a_secret_is_not_shown():
    """A URL with a password is withheld; other words pass."""
    assert redact_if_secret("cannot open postgres://u:word@db/app") == WITHHELD_MESSAGE
    assert redact_if_secret("login failed") == "login failed"
