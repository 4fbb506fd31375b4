"""The simulated targets."""

import hashlib

import pytest

from planasonix_emulator.settings import SettingsError
from planasonix_emulator.targets.targets import (
    OUTCOME_MESSAGES,
    LoginAttempt,
    SimulatedTarget,
    TargetTable,
    parse_targets,
    simulate_login,
)


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _attempt(**fields):
    defaults = {
        "type": "s3",
        "config": {"bucket": "landing", "port": 5432},
        "secrets": {"secret_access_key": "right"},
    }
    return LoginAttempt(**defaults | fields)


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ({}, True),
        ({"bucket": "landing"}, True),
        ({"bucket": " LANDING "}, True),
        ({"bucket": ["other", "landing"]}, True),
        ({"port": "5432"}, True),
        ({"bucket": "other"}, False),
        ({"region": "eu"}, False),
    ],
)
def test_a_target_is_reached_by_its_settings(match, found):
    """Type and settings select a target; settings are compared as text, in any case."""
    table = TargetTable()
    table.replace_targets((SimulatedTarget(type="postgres"), SimulatedTarget(type="s3", match=match)))
    assert (table.find_target(_attempt()) is not None) == found


def test_the_first_match_is_used():
    """The first matching target is used."""
    table = TargetTable()
    table.replace_targets(
        parse_targets([{"type": "s3", "match": {"bucket": "landing"}, "outcome": "tls"}, {"type": "s3"}])
    )
    assert table.find_target(_attempt()).outcome == "tls"
    assert table.find_target(_attempt(config={})).outcome == "ok"


@pytest.mark.parametrize(
    ("accepts", "ok"),
    [
        ({}, True),
        ({"secret_access_key": "right"}, True),
        ({"secret_access_key": ["old", "right"]}, True),
        ({"secret_access_key": "wrong"}, False),
        ({"session_token": "right"}, False),
    ],
)
def test_only_accepted_secrets_log_in(accepts, ok):
    """A login succeeds only with accepted secrets, given as text or as digests."""
    hashed = {
        name: [
            hashlib.sha256(each.encode()).hexdigest()
            for each in ([right] if isinstance(right, str) else right)
        ]
        for name, right in accepts.items()
    }
    for target in (
        SimulatedTarget(type="s3", accepts=accepts),
        SimulatedTarget(type="s3", accepts_sha256=hashed),
    ):
        verdict = simulate_login(target, _attempt())
        assert (verdict.ok, verdict.message) == (
            ok,
            "Connection successful" if ok else "403 SignatureDoesNotMatch",
        )


@pytest.mark.parametrize(("kind", "words"), [("mysql", "Access denied"), ("salesforce", "login failed")])
def test_each_type_has_its_own_message(kind, words):
    """Each type has its own message for a wrong secret."""
    target = SimulatedTarget(type=kind, accepts={"password": "right"})
    assert simulate_login(target, _attempt(type=kind)).message == words


@pytest.mark.parametrize("outcome", sorted(set(OUTCOME_MESSAGES) - {"ok"}))
def test_other_outcomes(outcome):
    """A target's outcome applies with each secret."""
    verdict = simulate_login(SimulatedTarget(type="s3", outcome=outcome, server_version="9"), _attempt())
    assert (verdict.ok, verdict.message, verdict.server_version) == (False, OUTCOME_MESSAGES[outcome], "")


def test_a_target_can_have_its_own_message():
    """A target can have its own message and version."""
    verdict = simulate_login(
        SimulatedTarget(type="s3", message="welcome", server_version="9", latency_ms=3), _attempt()
    )
    assert (verdict.ok, verdict.message, verdict.server_version, verdict.latency_ms) == (
        True,
        "welcome",
        "9",
        3,
    )


@pytest.mark.parametrize(
    "trees",
    [
        7,
        {"goals": []},
        [7],
        [{}],
        [{"type": "s3", "colour": "red"}],
        [{"type": "s3", "match": []}],
        [{"type": "s3", "outcome": "maybe"}],
    ],
)
def test_invalid_input_is_rejected(trees):
    """Targets with unknown fields or invalid values are rejected."""
    with pytest.raises(SettingsError):
        parse_targets(trees)
    assert parse_targets({"targets": [{"type": "s3"}]}) == (SimulatedTarget(type="s3"),)
