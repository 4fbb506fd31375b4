"""Diagnostics for the errors of the YAML parser."""

import pytest
import yaml

from keyturn.yamldoc.errors import explain_yaml_error


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("a: b: c\n", "KT106", "colon where no key is allowed"),
        ("a: 1\nb\n", "KT106", "a key has no colon"),
        (
            "a: 'x' y\n",
            "KT106",
            "the indentation does not fit the lines above, or a quote is closed too early",
        ),
        ("a:\n  - b\n  c: 1\n", "KT106", "this line is not a list item"),
        ("a: [1\nb: 2\n", "KT106", "a bracket or brace is not closed"),
        ("a: 'x\n", "KT106", "a quote is not closed"),
        ('a: "\\q"\n', "KT106", "unknown escape sequence"),
        ('a: "\\x1"\n', "KT106", "incomplete escape sequence"),
        ("a: - b\n", "KT106", "dash where no list can start"),
        ("a: @x\n", "KT106", "a value cannot begin with @"),
        ("a: `x\n", "KT106", "a value cannot begin with a backtick"),
        ("a: %x\n", "KT106", "a value cannot begin with %"),
        ("\ta: 1\n", "KT105", "tab used for indentation"),
        ("a:\n\tb: 1\n", "KT105", "tab used for indentation"),
        ("a: !<x\n", "KT106", "invalid YAML"),
    ],
)
def test_explains_each_parser_error(text, code, message):
    """Each error of libyaml has a message and a hint; none of them quotes the file."""
    with pytest.raises(yaml.YAMLError) as caught:
        list(yaml.parse(text, Loader=yaml.CSafeLoader))
    finding = explain_yaml_error(caught.value, text, "m.yaml")
    assert (finding.code, finding.message) == (code, message)
    assert finding.hint
    assert finding.origin.line >= 1
