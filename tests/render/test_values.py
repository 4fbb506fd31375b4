"""How values are shown."""

import pytest

from keyturn.core.change import ABSENT
from keyturn.render.values import HIDDEN, LONG, NOTHING, bare, hidden, pair, shown
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
        (ABSENT, NOTHING),
        ("one\ntwo\n", "(2 lines, 8 characters)"),
    ],
)
def test_a_value_is_shown_on_one_line(leaf, text):
    """Scalars as they are, quoted where they could be mistaken for something else."""
    assert shown(HOST, leaf) == text


def test_a_long_value_says_how_much_is_left_out():
    """Nothing is cut without a word."""
    assert shown(HOST, "a" * (LONG + 1234)) == "a" * LONG + "… (1,234 more characters)"


@pytest.mark.parametrize("at", [0, 5, LONG - 1, LONG, LONG + 1, 5 * LONG, 9 * LONG])
def test_where_two_long_values_differ_is_in_sight(at):
    """However far in: what differs is shown on both sides."""
    before = "a" * at + "X" + "b" * 10 * LONG
    after = "a" * at + "Y" + "b" * 10 * LONG
    first, second = pair(HOST, before, after)
    assert first != second
    assert "X" in first
    assert "Y" in second
    assert len(first) < 2 * LONG


def test_lines_that_differ_are_named():
    """Of text with several lines it is said from which line on it differs."""
    assert pair(HOST, "a\nb\nc", "a\nX\nc") == (
        "(3 lines, 5 characters)",
        "(3 lines, 5 characters), differs from line 2",
    )


def test_two_hidden_values_are_told_apart_without_showing_them():
    """That it is another value is said; the values are not."""
    assert pair(("config", "apiToken"), "a", "b") == (HIDDEN, f"{HIDDEN}, another value")


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
    assert hidden(path, leaf)
    assert shown(path, leaf) == HIDDEN


@pytest.mark.parametrize("path", [HOST, ("config", "token_url"), ("config", "access_key_id")])
def test_what_is_plain_is_not_hidden(path):
    """A destination is shown even where its name has a word of secrets in it."""
    assert not hidden(path, "https://login.example.com/token")


def test_absence_is_not_a_secret():
    """That a secret-looking field is not there may be said."""
    assert shown(("config", "password"), ABSENT) == NOTHING


def test_an_address_is_shown_without_its_password():
    """User and password of an address are left out; the host, which matters, is not."""
    assert bare("https://u:p@db.example.com/x") == "https://▒▒▒@db.example.com/x"
    assert shown(HOST, "https://u:p@db.example.com/x") == "https://▒▒▒@db.example.com/x"


def test_a_hidden_text_of_several_lines_does_not_say_where_it_differs():
    """Not even the number of a line is told of what looks like a secret."""
    assert pair(("config", "apiToken"), "a\nb", "a\nc") == (HIDDEN, HIDDEN)


def test_a_short_value_that_became_long_is_shown_from_where_it_differs():
    """What is cut is said, on the side that is cut."""
    before, after = pair(HOST, "a" * 90, "a" * 90 + "b" * 200)
    assert before == "a" * 90
    assert after.endswith("… (120 more characters)")
