"""Output of values as YAML."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.cases import WORDS
from keyturn.yamldoc.reader import parse_document
from keyturn.yamldoc.scalars import emit_block, emit_flow, emit_scalar, quote_text
from sops_files import run_sops

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0.5, -1.25, 1.0])
    | _TEXT
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc: é", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("svc_planasonix", "svc_planasonix"),
        ("xy12345.us-east-1.example.com", "xy12345.us-east-1.example.com"),
        ("https://example.com/a", "https://example.com/a"),
        ("two words", "two words"),
        ("0123", '"0123"'),
        ("no", '"no"'),
        ("12:30", '"12:30"'),
        ("1e5", '"1e5"'),
        ("", '""'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        ("---", '"---"'),
        ("...", '"..."'),
        ("a\nb", '"a\\nb"'),
        ("\x85\u2028\ufeff\x00😀é", '"\\x85\\u2028\\ufeff\\0😀é"'),
        (None, "null"),
        (True, "true"),
        (5432, "5432"),
        (0.5, "0.5"),
    ],
)
def test_quotes_ambiguous_text(value, text):
    """Text has no quotes only if all parsers read it as this text."""
    assert emit_scalar(value) == text


def test_emits_block_style():
    """Mappings and lists are in block style, short lists in flow style, certificates as literal blocks."""
    tree = {
        "kind": "credential",
        "labels": {"environment": "prod"},
        "config": {
            "port": 5432,
            "tags": ["a", "b:c"],
            "cert": "-----BEGIN-----\nabc\n",
            "chain": [{"arn": "x"}],
            "none": {},
            "no": [],
        },
    }
    assert emit_block(tree) == (
        "kind: credential\n"
        "labels:\n"
        "  environment: prod\n"
        "config:\n"
        "  port: 5432\n"
        '  tags: [a, "b:c"]\n'
        "  cert: |\n"
        "    -----BEGIN-----\n"
        "    abc\n"
        "  chain:\n"
        '    - {"arn": "x"}\n'
        "  none: {}\n"
        '  "no": []\n'
    )


@given(st.dictionaries(st.text("abc: é\n", min_size=1, max_size=5), _VALUES, min_size=1, max_size=4))
def test_output_is_parsed_back(tree):
    """Both styles keep all values and their order."""
    for text in (emit_flow(tree), emit_block(tree)):
        assert json.dumps(parse_document(text.encode(), "m.yaml").tree) == json.dumps(tree)


def test_sops_reads_the_same_values(age_key):
    """Sops reads flow and block style alike for all special words."""
    tree = {
        "plain": {f"k{index}": word for index, word in enumerate(WORDS)},
        "list": [1, None, True, {"a": [0.5]}],
    }
    for text in (emit_flow(tree), emit_block(tree)):
        arguments = (
            "encrypt",
            "--age",
            age_key.recipient,
            "--encrypted-regex",
            "^none$",
            "--input-type",
            "yaml",
            "--output-type",
            "json",
        )
        found = json.loads(run_sops(*arguments, "/dev/stdin", stdin=text))
        assert found["plain"] == tree["plain"]
        assert found["list"] == tree["list"]


def test_quoted_text_is_one_line():
    """Line endings and quotes are escaped."""
    assert quote_text('a"b\\c\r\n\t') == '"a\\"b\\\\c\\r\\n\\t"'
