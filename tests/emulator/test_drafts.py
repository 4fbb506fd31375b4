"""Checks of what clients write."""

import pytest

from planasonix_emulator.drafts import checked_name, put_config, with_config
from planasonix_emulator.messages import Problem


@pytest.mark.parametrize("name", ["a", "ü" * 255, "a b", "-"])
def test_names_that_are_taken(name):
    """Any text of 1 to 255 characters that is not blank is a name."""
    assert checked_name(name) == name


@pytest.mark.parametrize("name", [None, 7, "", "\t", "a" * 256])
def test_names_that_are_refused(name):
    """Everything else is not."""
    with pytest.raises(Problem):
        checked_name(name)


def test_a_merge_is_by_key(world, record):
    """Merging replaces whole keys: a nested object is not merged into."""
    deployment = world()
    first = with_config(deployment, record(), {"a": {"x": 1, "token": "t"}, "b": 2})
    merged = put_config(deployment, first, {"a": {"y": 3}}, "merge")
    assert merged.plain() == {"a": {"y": 3}, "b": 2}
    assert deployment.secrets(merged) == {}
