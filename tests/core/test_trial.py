"""Why a connection test failed, told from the words of others."""

import pytest

from keyturn.core.trial import BEFORE_LOGIN, WITHHELD, Reason, harmless, hint_of, reason_of
from planasonix_emulator.targets.targets import OUTCOME_MESSAGES

CLASSES = {
    "network": Reason.NETWORK,
    "refused": Reason.NETWORK,
    "auth": Reason.AUTHENTICATION,
    "tls": Reason.TLS,
    "firewall": Reason.FIREWALL,
    "forbidden": Reason.FORBIDDEN,
    "signature": Reason.AUTHENTICATION,
    "consent": Reason.CONSENT,
}


@pytest.mark.parametrize("outcome", sorted(OUTCOME_MESSAGES.keys() - {"ok"}))
def test_documented_messages_have_their_class(outcome):
    """Each failure of the vendor's troubleshooting page is told apart."""
    assert reason_of(OUTCOME_MESSAGES[outcome]) is CLASSES[outcome]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('FATAL: password authentication failed for user "svc"', Reason.AUTHENTICATION),
        ("Access denied for user 'svc'@'10.0.0.1'", Reason.AUTHENTICATION),
        ("permission denied for schema landing", Reason.FORBIDDEN),
        ("SSL SYSCALL error: EOF detected", Reason.TLS),
        ("could not translate host name: Name or service not known", Reason.NETWORK),
        ("connection to server failed: timed out", Reason.NETWORK),
        ("no pg_hba.conf entry for host", Reason.FIREWALL),
        ("invalid_grant: Token has been expired or revoked", Reason.CONSENT),
        ("something else", Reason.UNKNOWN),
        ("", Reason.UNKNOWN),
    ],
)
def test_words_of_drivers_have_a_class(message, reason):
    """Drivers' own words are read as well as the vendor's."""
    assert reason_of(message) is reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_to_do(reason):
    """Nobody is left with a class alone."""
    assert hint_of(reason)


def test_a_failed_login_is_never_counted_as_none():
    """What could bring an account nearer to its lock counts, whatever the words were."""
    assert {Reason.AUTHENTICATION, Reason.UNKNOWN}.isdisjoint(BEFORE_LOGIN)


def test_a_message_that_holds_a_secret_is_not_shown():
    """A URL with a password is withheld; other words pass."""
    assert harmless("cannot open postgres://u:word@db/app") == WITHHELD
    assert harmless("login failed") == "login failed"
