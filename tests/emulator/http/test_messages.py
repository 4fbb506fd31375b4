"""Requests, responses and errors."""

import pytest

from planasonix_emulator.http.messages import ApiError, ApiRequest, ApiResponse, encode_json, invalid_request


def _request(body=None, **query):
    return ApiRequest(query=query, body=body, organization="org_1")


def test_a_body_is_an_object_or_refused():
    """A body that is no object is 400."""
    assert _request({"a": 1}).json_object() == {"a": 1}
    with pytest.raises(ApiError, match="JSON object"):
        _request([1]).json_object()


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("007", 7), ("999999999", 999_999_999)])
def test_numbers_in_a_query(text, number):
    """A positive number is parsed; without one the default is used."""
    assert _request(limit=text).positive_number("limit", 5) == number
    assert _request().positive_number("limit", 5) == 5


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "x", "1" * 30, "\N{SUPERSCRIPT TWO}"])
def test_other_text_is_no_number(text):
    """Anything else is 400."""
    with pytest.raises(ApiError) as caught:
        _request(limit=text).positive_number("limit", 5)
    assert caught.value.details == (("limit", "not a positive number"),)


def test_bodies_are_compact_utf_8():
    """JSON is compact UTF-8."""
    assert ApiResponse(200, {"a": "ü"}).body == '{"a":"ü"}'.encode()
    assert ApiResponse(204, {"a": 1}).body == b""
    assert encode_json([]) == b"[]"


def test_a_refusal_names_fields_not_values():
    """The message of an error names the invalid fields and their issues."""
    assert str(invalid_request(("name", "blank"), ("type", "unknown"))).endswith(
        "name (blank), type (unknown)."
    )
