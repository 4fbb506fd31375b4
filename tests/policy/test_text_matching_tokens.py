"""What a secret looks like."""

import base64
import random
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


def test_random_bytes_in_base64_nearly_always_look_random():
    """At most one of 50 texts passes, such as one without a digit."""
    source = random.Random(1)
    texts = [base64.b64encode(source.randbytes(source.randint(24, 48))).decode() for _ in range(2000)]
    assert sum(not looks_random(text) for text in texts) < len(texts) // 50


@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from(["-", "_", ".", " "]))
def test_words_with_separators_never_look_random(words, separator):
    """Snake case, kebab case and sentences, with numbers."""
    assert not looks_random(separator.join(words))


@given(st.lists(WORDS.filter(str.isalpha), min_size=1, max_size=8))
def test_camel_case_never_looks_random(words):
    """Words without numbers."""
    assert not looks_random("".join(words))


def test_hex_looks_random_from_forty_digits():
    """Many services have shorter identifiers."""
    assert looks_random("0123456789abcdef0123456789abcdef01234567")
    assert not looks_random("0123456789abcdef0123456789abcdef")


@given(st.text())
def test_any_text_has_an_answer(text):
    """No text raises an error."""
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
def test_hostile_text_is_matched_in_linear_time(text):
    """No pattern backtracks."""
    begin = time.process_time()
    for test in (has_known_prefix, has_embedded_password, has_private_key, looks_random, has_web_token):
        test(text)
    assert time.process_time() - begin < 3
