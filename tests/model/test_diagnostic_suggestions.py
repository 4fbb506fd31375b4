"""Hints for misspelled names."""

from keyturn.model.diagnostic import suggest_nearest


def test_the_hint_has_the_nearest_name_or_all_names():
    """Without known names there is no hint."""
    assert suggest_nearest("retyre", ["retire", "rotate"]) == "did you mean retire?"
    assert suggest_nearest("zzz", ["b", "a"]) == "known here: a, b"
    assert suggest_nearest("zzz", []) == ""
