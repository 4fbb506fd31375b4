"""The state's address in the project file."""

import pytest

from keyturn.model.service_url import find_state_url_problem


@pytest.mark.parametrize(
    "text",
    [
        "file:.keyturn/prod",
        "file:/var/lib/keyturn",
        "s3://bucket/prefix",
        "gs://bucket",
        "az://container/a/b",
    ],
)
def test_takes_folders_and_buckets(text):
    """A state is a folder or lies in a bucket."""
    assert find_state_url_problem(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "x", "file:", "file:/", "file:../x", "file:a/../../x", "file:a\\b", "s3://", "s3:///x",
    "s3://u:p@b/x", "s3://b/x?y", "s3://b/../x", "https://a.b", "s3://b x"],
)  # fmt: skip
def test_refuses_other_states(text):
    """No credentials, no way out, no other scheme."""
    assert find_state_url_problem(text)
