"""Formatting of values."""

import pytest

from keyturn.model.change import MISSING
from keyturn.views.values import (
    HIDDEN_VALUE,
    MAX_VALUE_LENGTH,
    NOT_SET,
    format_pair,
    format_value,
    is_hidden,
    strip_userinfo,
)
from sample_plans import DB

HOST = ("config", "host")


@pytest.mark.parametrize(
    ("leaf", "text"),
    [
        ("db.example.com", "db.example.com"),
        ("two words", '"two words"'),
        ("", '""'),
        ("(not set)", '"(not set)"'),
        ("a→b", '"a→b"'),
        (True, "true"),
        (None, "null"),
        (5432, "5432"),
        (["a", {"b": 1}], '["a", {"b": 1}]'),
        (DB, "credential/prod-db"),
        (MISSING, NOT_SET),
        ("one\ntwo\n", "(2 lines, 8 characters)"),
    ],
)
def test_a_value_is_shown_on_one_line(leaf, text):
    """Scalars are quoted if they are ambiguous."""
    assert format_value(HOST, leaf) == text


def test_a_long_value_is_truncated_with_a_marker():
    """The marker has the number of omitted characters."""
    assert (
        format_value(HOST, "a" * (MAX_VALUE_LENGTH + 1234))
        == "a" * MAX_VALUE_LENGTH + "… (1,234 more characters)"
    )


@pytest.mark.parametrize(
    "at",
    [
        0,
        5,
        MAX_VALUE_LENGTH - 1,
        MAX_VALUE_LENGTH,
        MAX_VALUE_LENGTH + 1,
        5 * MAX_VALUE_LENGTH,
        9 * MAX_VALUE_LENGTH,
    ],
)
def test_the_difference_of_long_values_is_visible(at):
    """On both sides, at any position."""
    before = "a" * at + "X" + "b" * 10 * MAX_VALUE_LENGTH
    after = "a" * at + "Y" + "b" * 10 * MAX_VALUE_LENGTH
    first, second = format_pair(HOST, before, after)
    assert first != second
    assert "X" in first
    assert "Y" in second
    assert len(first) < 2 * MAX_VALUE_LENGTH


def test_the_first_differing_line_is_named():
    """Of multiline values."""
    assert format_pair(HOST, "a\nb\nc", "a\nX\nc") == (
        "(3 lines, 5 characters)",
        "(3 lines, 5 characters), differs from line 2",
    )


def test_different_hidden_values():
    """The text says that they differ, without the values."""
    assert format_pair(("config", "apiToken"), "a", "b") == (
        HIDDEN_VALUE,
        f"{HIDDEN_VALUE}, a different value",
    )


@pytest.mark.parametrize(
    ("path", "leaf"),
    [
        (("config", "password"), "x"),
        (("config", "headers", "X-Api-Key"), "x"),
        (("config", "auth", "client_secret"), ["x"]),
        (HOST, "-----BEGIN RSA PRIVATE KEY-----\nx"),
        (("config", "nested"), {"password": "x"}),
    ],
)
def test_a_possible_secret_is_hidden(path, leaf):
    """By the name of its key or by its format."""
    assert is_hidden(path, leaf)
    assert format_value(path, leaf) == HIDDEN_VALUE


@pytest.mark.parametrize("path", [HOST, ("config", "token_url"), ("config", "access_key_id")])
def test_a_plain_value_is_visible(path):
    """Even if the name of a destination has a word of secrets."""
    assert not is_hidden(path, "https://login.example.com/token")


def test_absence_is_not_a_secret():
    """A missing field with the name of a secret is shown as missing."""
    assert format_value(("config", "password"), MISSING) == NOT_SET


def test_a_url_is_shown_without_its_password():
    """User and password are omitted, the host is not."""
    assert strip_userinfo("https://u:p@db.example.com/x") == "https://▒▒▒@db.example.com/x"
    assert format_value(HOST, "https://u:p@db.example.com/x") == "https://▒▒▒@db.example.com/x"


def test_a_hidden_multiline_value_has_no_line_number():
    """The line number depends on the secret."""
    assert format_pair(("config", "apiToken"), "a\nb", "a\nc") == (HIDDEN_VALUE, HIDDEN_VALUE)


def test_a_short_and_a_long_value():
    """Only the long one is truncated."""
    before, after = format_pair(HOST, "a" * 90, "a" * 90 + "b" * 200)
    assert before == "a" * 90
    assert after.endswith("… (120 more characters)")
