"""What a secret looks like."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.policy.text_matching import (
    has_embedded_password,
    has_known_prefix,
    has_private_key,
    has_web_token,
    looks_random,
)

WORDS = st.sampled_from(
    ["Planasonix", "Reader", "analytics", "Prod", "2024", "eu", "West", "1", "Loader", "Sales"]
)


@given(st.binary(min_size=24, max_size=48))
def test_random_bytes_in_base64_nearly_always_look_random(data):
    """Only runs that happen to lack a class of letters may pass, and those that repeat."""
    text = base64.b64encode(data).decode()
    classes = [any(test(letter) for letter in text) for test in (str.isupper, str.islower, str.isdigit)]
    if all(classes) and len(set(data)) > len(data) * 0.9:
        assert looks_random(text)


@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from(["", "-", "_", ".", " "]))
def test_joined_words_never_look_random(words, joint):
    """CamelCase, snakes, dashes and sentences."""
    assert not looks_random(joint.join(words))


def test_hex_looks_random_from_forty_digits():
    """Shorter ones are identifiers of many services."""
    assert looks_random("0123456789abcdef0123456789abcdef01234567")
    assert not looks_random("0123456789abcdef0123456789abcdef")


@given(st.text())
def test_no_text_stops_the_tests(text):
    """Whatever stands in a field, an answer comes back."""
    answers = [
        test(text)
        for test in (has_known_prefix, has_embedded_password, has_private_key, looks_random, has_web_token)
    ]
    assert all(isinstance(answer, bool) for answer in answers)


HOSTILE = [
    "a" * 1_000_000 + "://@",
    "eyJ" * 330_000,
    "eyJaaaaaaaaaaa." * 60_000,
    "pwd" + " " * 1_000_000,
    ";sig=" * 200_000,
    "a://" * 250_000 + "@",
    "SG." * 330_000,
    "gh" + "p_" * 500_000,
    "0123456789abcdef" * 60_000,
    "aA0" * 330_000,
    "-----BEGIN " * 90_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_megabyte_made_to_be_slow_is_not(text):
    """Nothing here looks back over what it has seen."""
    begin = time.process_time()
    for test in (has_known_prefix, has_embedded_password, has_private_key, looks_random, has_web_token):
        test(text)
    assert time.process_time() - begin < 3
