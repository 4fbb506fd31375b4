"""Requests, replies and refusals."""

import pytest

from planasonix_emulator.messages import Problem, Reply, Request, encode, invalid


def _request(body=None, **query):
    return Request(method="GET", path="/", query=query, body=body, organization="org_1")


def test_a_body_is_an_object_or_refused():
    """A body that is no object is 400."""
    assert _request({"a": 1}).tree() == {"a": 1}
    with pytest.raises(Problem, match="JSON object"):
        _request([1]).tree()


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("007", 7), ("999999999", 999_999_999)])
def test_numbers_in_a_query(text, number):
    """A positive number is read, and the default stands for none."""
    assert _request(limit=text).number("limit", 5) == number
    assert _request().number("limit", 5) == 5


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "x", "1" * 30, "\N{SUPERSCRIPT TWO}"])
def test_other_text_is_no_number(text):
    """Anything else is 400."""
    with pytest.raises(Problem) as caught:
        _request(limit=text).number("limit", 5)
    assert caught.value.details == (("limit", "not a positive number"),)


def test_bodies_are_compact_utf_8():
    """JSON is written without spaces, and not in ASCII."""
    assert Reply(200, {"a": "ü"}).encoded() == '{"a":"ü"}'.encode()
    assert Reply(204).encoded() == b""
    assert encode([]) == b"[]"


def test_a_refusal_names_fields_not_values():
    """The message of a refusal says which fields are wrong, and how."""
    assert str(invalid(("name", "blank"), ("type", "unknown"))).endswith("name (blank), type (unknown).")
