"""The texts of a manifest, and how a field is called in a message."""

import pytest

from keyturn.policy.text_matching import format_field_name, parse_switch, walk_texts
from sample_policies import make_view

TEXT = """\
kind: connection
name: x
type: other
labels: {owner: data}
config: {a: one, port: 5, list: [two, {k: [three]}], empty: {}}
"""


def test_every_text_has_its_path():
    """In lists, mappings and labels; numbers are no texts."""
    assert list(walk_texts(make_view(TEXT))) == [
        (("config", "a"), "one"),
        (("config", "list", "0"), "two"),
        (("config", "list", "1", "k", "0"), "three"),
        (("labels", "owner"), "data"),
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("config", "host"), "host"),
        (("config", "topics", "0"), "topics"),
        (("headers", "X-Api-Key"), "X-Api-Key"),
        (("config", "9fQ2xLkV7pTzRb3WmYc8HdNe"), "the field"),
        (("config", "hunter22 is my password"), "the field"),
        (("config", "ghp_9fQ2xLkV7pTzRb3WmYc8HdNe9fQ2xLkV7pTz"), "the field"),
        (("config", "::add-mask::"), "the field"),
        (("0",), "the field"),
    ],
)
def test_a_message_has_only_names_that_are_no_secrets(path, said):
    """A secret may be in the place of a name."""
    assert format_field_name(path) == said


@pytest.mark.parametrize(
    ("leaf", "position"),
    [(True, True), ("yes", True), ("On", True), (False, False), ("off", False), ("maybe", None), (1, None)],
)
def test_a_switch_is_read_in_every_spelling(leaf, position):
    """Other values are None."""
    assert parse_switch(leaf) is position
