"""How values are shown."""

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
from plans import DB

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
    """Scalars as they are, quoted where they could be mistaken for something else."""
    assert format_value(HOST, leaf) == text


def test_a_long_value_says_how_much_is_left_out():
    """Nothing is cut without a word."""
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
def test_where_two_long_values_differ_is_in_sight(at):
    """However far in: what differs is shown on both sides."""
    before = "a" * at + "X" + "b" * 10 * MAX_VALUE_LENGTH
    after = "a" * at + "Y" + "b" * 10 * MAX_VALUE_LENGTH
    first, second = format_pair(HOST, before, after)
    assert first != second
    assert "X" in first
    assert "Y" in second
    assert len(first) < 2 * MAX_VALUE_LENGTH


def test_lines_that_differ_are_named():
    """Of text with several lines it is said from which line on it differs."""
    assert format_pair(HOST, "a\nb\nc", "a\nX\nc") == (
        "(3 lines, 5 characters)",
        "(3 lines, 5 characters), differs from line 2",
    )


def test_two_hidden_values_are_told_apart_without_showing_them():
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
def test_what_looks_like_a_secret_is_hidden(path, leaf):
    """By the name of its key or by its own shape."""
    assert is_hidden(path, leaf)
    assert format_value(path, leaf) == HIDDEN_VALUE


@pytest.mark.parametrize("path", [HOST, ("config", "token_url"), ("config", "access_key_id")])
def test_what_is_plain_is_not_hidden(path):
    """A destination is shown even where its name has a word of secrets in it."""
    assert not is_hidden(path, "https://login.example.com/token")


def test_absence_is_not_a_secret():
    """That a secret-looking field is not there may be said."""
    assert format_value(("config", "password"), MISSING) == NOT_SET


def test_an_address_is_shown_without_its_password():
    """User and password of an address are left out; the host, which matters, is not."""
    assert strip_userinfo("https://u:p@db.example.com/x") == "https://▒▒▒@db.example.com/x"
    assert format_value(HOST, "https://u:p@db.example.com/x") == "https://▒▒▒@db.example.com/x"


def test_a_hidden_text_of_several_lines_does_not_say_where_it_differs():
    """Not even the number of a line is told of what looks like a secret."""
    assert format_pair(("config", "apiToken"), "a\nb", "a\nc") == (HIDDEN_VALUE, HIDDEN_VALUE)


def test_a_short_value_that_became_long_is_shown_from_where_it_differs():
    """What is cut is said, on the side that is cut."""
    before, after = format_pair(HOST, "a" * 90, "a" * 90 + "b" * 200)
    assert before == "a" * 90
    assert after.endswith("… (120 more characters)")
