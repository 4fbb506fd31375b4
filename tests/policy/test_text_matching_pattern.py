"""Regular expressions that are compiled when they are first used."""

import re

import pytest

from keyturn.policy.text_matching import LazyPattern


def test_a_pattern_that_is_wrong_is_noticed_only_when_it_is_used():
    """Making one costs nothing."""
    broken = LazyPattern("(")
    with pytest.raises(re.error):
        broken.search("x")


def test_a_pattern_searches_matches_and_finds_all():
    """Flags hold, and groups do not change what is found."""
    pattern = LazyPattern("(a)b", re.IGNORECASE)
    assert pattern.search("xAB")[1] == "A"
    assert pattern.fullmatch("abx") is None
    assert pattern.findall("ab AB") == ["ab", "AB"]
