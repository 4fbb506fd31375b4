"""Hints for misspelled names."""

import time

import pytest

from keyturn.model.diagnostic import find_nearest_name, suggest_nearest


def test_the_hint_has_the_nearest_name_or_all_names():
    """Without known names there is no hint."""
    assert suggest_nearest("retyre", ["retire", "rotate"]) == "did you mean retire?"
    assert suggest_nearest("zzz", ["b", "a"]) == "known here: a, b"
    assert suggest_nearest("zzz", []) == ""


@pytest.mark.parametrize(
    ("word", "known", "nearest"),
    [
        ("postgress", ["postgres", "mysql"], "postgres"),
        ("prod-database", ["prod-db", "test-db"], "prod-db"),
        ("abc", ["xyz"], ""),
        ("", ["a"], ""),
        ("a", [], ""),
        ("p" * 121, ["p" * 121], ""),
    ],
)
def test_the_nearest_name(word, known, nearest):
    """Text of any length gets an answer, a very long one none."""
    assert find_nearest_name(word, known) == nearest


def test_names_that_are_all_alike_take_no_time():
    """Somebody may add many long names to slow down a check."""
    known = [f"connection/{'p' * 90}{number}" for number in range(2000)]
    before = time.process_time()
    assert find_nearest_name(f"credential/{'p' * 90}", known)
    assert time.process_time() - before < 1.0
