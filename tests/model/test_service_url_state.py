"""The URL of the state."""

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
def test_folders_and_buckets_are_accepted(text):
    """A state is stored in a folder or in a bucket."""
    assert find_state_url_problem(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "x", "file:", "file:/", "file:../x", "file:a/../../x", "file:a\\b", "s3://", "s3:///x",
    "s3://u:p@b/x", "s3://b/x?y", "s3://b/../x", "https://a.b", "s3://b x"],
)  # fmt: skip
def test_other_urls_are_rejected(text):
    """Credentials, parent folders and other schemes are invalid."""
    assert find_state_url_problem(text)
