"""Removal of secrets from texts of the service."""

from hypothesis import given
from hypothesis import strategies as st

from keyturn.client.redaction import SecretRedactor, collect_secrets, redact_secrets
from keyturn.model.secret import Secret


@given(
    text=st.text("abc", max_size=30),
    values=st.lists(st.text("abc", max_size=8), max_size=6, unique=True),
    rest=st.sampled_from(("", "-" * 5000)),
)
def test_the_redactor_redacts_as_redact_secrets(text, values, rest):
    """Longer secrets first, in short and in long texts; secrets that do not occur change nothing."""
    longest_first = [Secret(value) for value in sorted(values, key=lambda value: -len(value))]
    assert SecretRedactor(map(Secret, values)).redact(text + rest) == redact_secrets(
        text + rest, longest_first
    )


def test_every_occurrence_is_replaced():
    """A secret is replaced wherever it occurs; a short one replaces the whole text."""
    text = "login failed for svc with hunter2, hunter2 is wrong"
    assert (
        redact_secrets(text, [Secret("hunter2")]) == "login failed for svc with [hidden], [hidden] is wrong"
    )
    assert redact_secrets(text, [Secret("in")]) == "[hidden]"
    assert redact_secrets(text, [Secret(""), Secret("other")]) == text


def test_secrets_are_collected_in_order():
    """All ``Secret`` leaves of a tree are returned, in order."""
    tree = {"a": Secret("1"), "b": [{"c": Secret("2")}, "x", (Secret("3"),)], "d": 4}
    assert list(collect_secrets(tree)) == [Secret("1"), Secret("2"), Secret("3")]
