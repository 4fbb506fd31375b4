"""Plain YAML scalars."""

import pytest

from keyturn.yamldoc.scalars import AmbiguousScalarError, emit_scalar, parse_plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("null", None), ("NULL", None), ("true", True), ("False", False), ("0", 0), ("-1", -1),
        ("5432", 5432),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ("0.5", 0.5), ("-1.25",
        -1.25), ("1.0", 1.0),
        ("svc", "svc"), ("1.2.3.4", "1.2.3.4"), ("5432x", "5432x"), ("-x", "-x"), ("90d", "90d"),
        ("xy12345.us-east-1", "xy12345.us-east-1"),
        ("12:99", "12:99"), ("0xZZ", "0xZZ"), ("2024-01", "2024-01"), ("2024-01-02-final",
        "2024-01-02-final"), ("1e", "1e"), ("yes!", "yes!"),
    ],
)  # fmt: skip
def test_parses_unambiguous_scalars(text, value):
    """Words, plain numbers and text have one value and one type."""
    assert parse_plain_scalar(text) == value
    assert type(parse_plain_scalar(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        *[(text, "a number") for text in ("0123", "007", "00", "08", "-0", "+1", "1_000", "1_", "0x1F",
        "0X1f", "0o17", "0b1", "1e5", "1E5", "1.5e3")],
        *[(text, "a number") for text in (".5", "5.", "-.5", "1.50", "1.10", "0.000010",
        "9223372036854775808", "1" * 5000, "0.1" + "0" * 17)],
        *[(text, "a number") for text in (".inf", "-.INF", ".nan", "-0.0", "1__0", "+0x1F")],
        *[(text, "a time") for text in ("12:30", "12:30:45", "1:2:3.5", "-1:30", "190:20:30.15")],
        *[(text, "a date") for text in ("2024-01-02", "2024-1-2", "2024-01-02T03:04:05Z",
        "2024-01-02 03:04:05.6 +01:00", "2024-01-02t03:04:05-5")],
        *[(text, "a YAML 1.1 boolean") for text in ("yes", "No", "ON", "off", "y", "N")],
        ("~", "null"), ("=", "a default value"), ("<<", "a merge key"),
    ],
)  # fmt: skip
def test_rejects_ambiguous_scalars(text, looks):
    """A value that YAML 1.1, YAML 1.2 and go-yaml read differently is rejected."""
    with pytest.raises(AmbiguousScalarError, match=f"^{looks}$"):
        parse_plain_scalar(text)


@pytest.mark.parametrize("number", [0.00005, 1e-7, 1.25e-10, -3.5e-5, 0.1, 5e-324, 0.30000000000000004])
def test_a_small_number_has_no_exponent(number):
    """All parsers read the text as the same number."""
    text = emit_scalar(number)
    assert "e" not in text
    assert float(text) == number
    if len(text) < 40:
        assert parse_plain_scalar(text) == number


@pytest.mark.parametrize("word", ["yes", "no", "on", "off"])
def test_parses_yes_and_no_as_text_on_request(word):
    """The project file reads ``off`` as text, as YAML 1.2 does."""
    assert parse_plain_scalar(word, yes_no_as_text=True) == word
