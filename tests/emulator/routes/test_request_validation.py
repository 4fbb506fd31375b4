"""Validation of written objects."""

import pytest

from planasonix_emulator.http.messages import ApiError
from planasonix_emulator.routes.request_validation import replace_config, update_config, validate_name


@pytest.mark.parametrize("name", ["a", "ü" * 255, "a b", "-"])
def test_names_that_are_taken(name):
    """Any text of 1 to 255 characters that is not blank is a name."""
    assert validate_name(name) == name


@pytest.mark.parametrize("name", [None, 7, "", "\t", "a" * 256])
def test_names_that_are_refused(name):
    """Other values are rejected."""
    with pytest.raises(ApiError):
        validate_name(name)


def test_a_merge_is_by_key(make_deployment, record):
    """Merging replaces whole keys: a nested object is not merged into."""
    deployment = make_deployment()
    first = replace_config(deployment, record(), {"a": {"x": 1, "token": "t"}, "b": 2})
    merged = update_config(deployment, first, {"a": {"y": 3}}, "merge")
    assert merged.plain_config() == {"a": {"y": 3}, "b": 2}
    assert deployment.decrypt_secrets(merged) == {}
