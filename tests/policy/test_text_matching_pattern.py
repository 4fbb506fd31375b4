"""Regular expressions that are compiled when they are first used."""

import re

import pytest

from keyturn.policy.text_matching import LazyPattern


def test_a_pattern_is_compiled_on_first_use():
    """Creating one is cheap."""
    broken = LazyPattern("(")
    with pytest.raises(re.error):
        broken.search("x")


def test_a_pattern_searches_matches_and_finds_all():
    """With flags; groups do not change the result."""
    pattern = LazyPattern("(a)b", re.IGNORECASE)
    assert pattern.search("xAB")[1] == "A"
    assert pattern.fullmatch("abx") is None
    assert pattern.findall("ab AB") == ["ab", "AB"]
