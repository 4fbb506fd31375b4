"""The format of timestamps, and the comparison of those that a service returns."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.model.clock import format_timestamp, may_be_same_time, normalize_timestamp, parse_timestamp


def test_timestamps_are_in_utc_with_milliseconds():
    """Timestamps of different time zones can be compared as text."""
    there = timezone(timedelta(hours=5, minutes=30))
    assert format_timestamp(datetime(2026, 3, 9, 12, 0, 0, 123_900, UTC)) == "2026-03-09T12:00:00.123Z"
    assert format_timestamp(datetime(2026, 3, 9, 12, tzinfo=there)) == "2026-03-09T06:30:00.000Z"


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.integers(631_152_000, 7_258_118_400).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
)


@st.composite
def spellings(draw, instant, fraction):
    """Return one instant in a form that a service may use."""
    zone = draw(OFFSETS)
    local = instant.replace(tzinfo=UTC).astimezone(zone)
    digits = fraction.ljust(draw(st.integers(len(fraction), 9)), "0")
    offset = local.isoformat()[19:]
    ends = [offset, offset.replace(":", "")]
    shown = local
    if draw(st.booleans()):
        shown, ends = instant, ["Z", "z", "+00:00", "-00:00", ""]
    separator = draw(st.sampled_from("Tt "))
    text = shown.strftime(f"%Y-%m-%d{separator}%H:%M:%S")
    return text + (f".{digits}" if digits else "") + draw(st.sampled_from(ends))


FRACTIONS = st.from_regex(r"[0-9]{0,8}[1-9]|", fullmatch=True)


@given(INSTANTS, FRACTIONS, st.data())
def test_one_instant_has_one_canonical_text(instant, fraction, data):
    """Whatever the offset, the separators and the number of fractional digits."""
    expected = instant.isoformat() + (f".{fraction}Z" if fraction else "Z")
    text = data.draw(spellings(instant, fraction))
    assert normalize_timestamp(text) == expected
    assert normalize_timestamp(expected) == expected
    assert parse_timestamp(text) == (
        instant + timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    ).replace(tzinfo=UTC)


@given(INSTANTS, FRACTIONS, INSTANTS, FRACTIONS, st.data())
def test_two_instants_have_two_texts(one, first, other, second, data):
    """To the nanosecond."""
    texts = [data.draw(spellings(*each)) for each in ((one, first), (other, second))]
    assert (normalize_timestamp(texts[0]) == normalize_timestamp(texts[1])) == (
        (one, first) == (other, second)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1790000000", "2026-09-21T14:13:20Z"),
        ("1790000000.250000", "2026-09-21T14:13:20.25Z"),
        ("1790000000250", "2026-09-21T14:13:20.25Z"),
        ("1790000000000", "2026-09-21T14:13:20Z"),
    ],
)
def test_unix_time_is_an_instant(text, expected):
    """In seconds or milliseconds."""
    assert normalize_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01T00:00:00+00:00",
        "2026-01-01",
        "12",
        "\u0661790000000",
        "0001-01-01T00:00:00+10:00",
    ],
)
def test_any_other_text_stays(text):
    """It is compared as text."""
    assert normalize_timestamp(text) == text
    assert text == "2026-01-01" or parse_timestamp(text) is None


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("2026-01-01T00:00:22Z", "2026-01-01T00:00:22.5Z", True),
        ("2026-01-01T00:00:22.000Z", "2026-01-01T00:00:22.5Z", False),
        ("2026-01-01T00:00:22.500Z", "2026-01-01T00:00:22.500123Z", True),
        ("2026-01-01T00:00:22.500Z", "2026-01-01T00:00:22.501Z", False),
        ("2026-01-01T01:00:22+01:00", "2026-01-01T00:00:22.000Z", True),
        ("2026-01-01T00:00:22Z", "2026-01-01T00:00:23Z", False),
    ],
)
def test_a_truncated_time_may_be_the_same(left, right, expected):
    """Only at the precision that it shows."""
    assert may_be_same_time(left, right) is may_be_same_time(right, left) is expected
