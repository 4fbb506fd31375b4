"""The YAML reader."""

import json
import resource
import subprocess
import sys
import textwrap

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.model.diagnostic import Cause, DiagnosticError
from keyturn.yamldoc.reader import MAX_YAML_DEPTH, MAX_YAML_ERRORS, MAX_YAML_NODES, Document, parse_document


def tree(text):
    """Return the parsed tree of a text."""
    return parse_document(text.encode(), "m.yaml").tree


def findings(text):
    """Return code and location of each diagnostic of a text."""
    with pytest.raises(DiagnosticError) as caught:
        parse_document(text if isinstance(text, bytes) else text.encode(), "m.yaml")
    return [
        (finding.code, str(finding.origin).removeprefix("m.yaml").lstrip(":"))
        for finding in caught.value.diagnostics
    ]


def test_reads_every_style():
    """Block and flow, quotes and block scalars give plain values in the order of the file."""
    text = """\
        # modeline
        kind: credential
        labels: {environment: prod, "owner": 'data: platform'}
        config:
          port: 5432
          tags: [a, "0123", 1.5]
          cert: |
            line 1
            line 2
          empty:
          deep: [{a: [1]}]
        """
    expected = {
        "kind": "credential",
        "labels": {"environment": "prod", "owner": "data: platform"},
        "config": {
            "port": 5432,
            "tags": ["a", "0123", 1.5],
            "cert": "line 1\nline 2\n",
            "empty": None,
            "deep": [{"a": [1]}],
        },
    }
    found = tree(textwrap.dedent(text))
    assert found == expected
    assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize("text", ["a: '0123'\n", 'a: "0123"\n', "a: |-\n  0123\n", "a: >-\n  0123\n"])
def test_keeps_quoted_text_unchanged(text):
    """Text in quotes or in a block keeps all digits."""
    assert tree(text) == {"a": "0123"}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ignores_line_endings_and_byte_order_marks(mark, end):
    """A byte order mark and Windows line endings give the same tree and the same spans."""
    text = mark + end.join(["a: 1", "b:", "  c: |", "    x", "    y", "  d: z", ""])
    document = parse_document(text.encode(), "m.yaml")
    assert document.tree == {"a": 1, "b": {"c": "x\ny\n", "d": "z"}}
    assert (document.spans[("b", "d")].line, document.spans[("b", "d")].column) == (6, 6)
    assert document.spans[("a",)].column == 4


def test_every_path_has_a_span():
    """Spans of keys and values have line, column and length in characters."""
    text = 'é: "日本 😀" # c\nlist:\n- {x: 1, yy: [2, 3]}\nblock: |\n  text\nnone:\n'
    places = parse_document(text.encode(), "m.yaml").spans
    rows = {
        path: (place.line, place.column, place.length, place.key_line, place.key_column, place.key_length)
        for path, place in places.items()
    }
    assert rows == {
        (): (1, 1, 1, 0, 0, 0),
        ("é",): (1, 4, 6, 1, 1, 1),
        ("list",): (3, 1, 1, 2, 1, 4),
        ("list", "0"): (3, 3, 18, 0, 0, 0),
        ("list", "0", "x"): (3, 7, 1, 3, 4, 1),
        ("list", "0", "yy"): (3, 14, 6, 3, 10, 2),
        ("list", "0", "yy", "0"): (3, 15, 1, 0, 0, 0),
        ("list", "0", "yy", "1"): (3, 18, 1, 0, 0, 0),
        ("block",): (4, 8, 1, 4, 1, 5),
        ("none",): (6, 6, 1, 6, 1, 4),
    }


def test_locates_an_absent_path_at_its_parent():
    """A missing field has the location of its mapping."""
    document = parse_document(b"config:\n  a: 1\n", "m.yaml")
    assert str(document.find_location(("config", "host"))) == "m.yaml:2:3"
    assert str(document.find_location(("config", "host"), key=True)) == "m.yaml:1:1"
    assert str(document.find_location(("nowhere",))) == "m.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n---\nb: 2\n", [("KT107", "2:1")]),
        ("", [("KT108", "")]),
        ("# nothing\n", [("KT108", "")]),
        ("- a\n", [("KT108", "")]),
        ("../../etc/passwd", [("KT108", "")]),
        ("a: &x 1\nb: 2\n", [("KT109", "1:4")]),
        ("a: &x {b: 1}\n", [("KT109", "1:4")]),
        ("a: *x\n", [("KT109", "1:4")]),
        ("<<: {a: 1}\n", [("KT109", "1:1")]),
        ("a: !!python/object:os.system x\n", [("KT110", "1:4")]),
        ("a: !vault x\nb: !!str 1\n", [("KT110", "1:4"), ("KT110", "2:4")]),
        ("a: ! x\n", [("KT110", "1:4")]),
        ("!x\na: 1\n", [("KT110", "1:1")]),
        ("%YAML 1.2\n---\na: 1\n", [("KT110", "1:1")]),
        ("a: 1\nb: 2\n'a': 3\n", [("KT111", "3:1")]),
        ("a: {b: 1, b: 2}\n", [("KT111", "1:11")]),
        ("1: a\n", [("KT112", "1:1")]),
        ("null: a\n", [("KT112", "1:1")]),
        ("on: a\n", [("KT112", "1:1")]),
        (": a\n", [("KT106", "1:1")]),
        ('"": a\n', [("KT112", "1:1")]),
        ("? [a]\n: b\n", [("KT112", "1:3")]),
        ("{a: b}: c\n", [("KT112", "1:1")]),
        ("a: 0123\nb: [no, 12:30]\n", [("KT113", "1:4"), ("KT113", "2:5"), ("KT113", "2:9")]),
        ("\ta: 1\n", [("KT105", "1:1")]),
        ("a:\n\tb: 1\n", [("KT105", "2:1")]),
        ("a: @x\n", [("KT106", "1:4")]),
        ("a: b: c\n", [("KT106", "1:5")]),
        ("a: 'x\n", [("KT106", "1:4")]),
        ("a: [1\nb: 2\n", [("KT106", "2:2")]),
        ('a: "\\q"\n', [("KT106", "1:5")]),
        ("a: 1\n b: 2\n", [("KT106", "2:3")]),
        ("a\nb: 1\n", [("KT106", "2:2")]),
    ],
)
def test_rejects_unsupported_yaml(text, expected):
    """Each unsupported feature has a code and a location."""
    assert findings(text) == expected


@pytest.mark.parametrize(
    "text", ["a: &x 1\n", "a: !t 1\n", "a: 0123\n", "a: 1\na: 2\n", "a: [\n", "a:\n\tb: 1\n"]
)
def test_marks_rejected_yaml_as_possible_plaintext(text):
    """Any line of such a file may contain a secret in plain text."""
    with pytest.raises(DiagnosticError) as caught:
        parse_document(text.encode(), "m.yaml")
    assert {finding.cause for finding in caught.value.diagnostics} == {Cause.POSSIBLE_PLAINTEXT}


def test_diagnostics_contain_no_secret(canary):
    """Messages are fixed texts without the content of the line."""
    secret = canary()
    for text in (
        f"a: '{secret}\n",
        f"a: @{secret}\n",
        f"{secret}\nb: 1\n",
        f"a: *{secret}\n",
        f"a: &{secret} 1\n",
        f"a: !{secret} x\n",
    ):
        with pytest.raises(DiagnosticError) as caught:
            parse_document(text.encode(), "m.yaml")
        for finding in caught.value.diagnostics:
            assert secret not in finding.message + finding.hint


def test_stops_after_many_errors():
    """The number of reported errors is limited."""
    assert len(findings("".join(f"k{index}: 0{index}0\n" for index in range(1000)))) == MAX_YAML_ERRORS


def test_limits_depth_and_number_of_values():
    """The limits are inclusive."""
    assert tree("a: " + "[" * (MAX_YAML_DEPTH - 1) + "]" * (MAX_YAML_DEPTH - 1))
    assert findings("a: " + "[" * MAX_YAML_DEPTH + "]" * MAX_YAML_DEPTH) == [
        ("KT114", f"1:{MAX_YAML_DEPTH + 3}")
    ]
    assert findings("a: [" + "1," * MAX_YAML_NODES + "]")[0][0] == "KT114"


_HOSTILE = {
    "brackets": b"a: " + b"[" * 100_000,
    "braces": b"{" * 100_000,
    "dashes": b"- " * 100_000,
    "questions": b"? " * 100_000,
    "nested keys": b"".join(b" " * index + b"a:\n" for index in range(1000)),
    "bomb": b"a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n",
    "commas": b"a: [" + b"1," * 500_000 + b"]",
    "one line": b"a: " + b"x" * 1_000_000,
    "long key": b"k" * 1_000_000 + b": 1",
    "anchors": b"a: " + b"&a " * 300_000,
    "quotes": b"a: " + b"'" * 1_000_000,
    "backslashes": b'a: "' + b"\\" * 1_000_001 + b'"',
    "tags": b"a: " + b"!" * 1_000_000,
    "digits": b"a: " + b"1" * 1_000_000,
    "comments": b"#" * 1_000_000,
    "blank lines": b"\n" * 1_000_000 + b"a: 1",
    "indents": b" " * 1_000_000 + b"a: 1",
    "colons": b":" * 1_000_000,
    "block": b"a: |\n" + b"  x\n" * 260_000,
    "documents": b"---\n" * 260_000,
    "directives": b"%TAG ! x\n" * 100_000,
    "utf-16": ("a: 1\n" * 1000).encode("utf-16"),
    "nul": b"a: \0" * 1000,
    "object": b"!!python/object/apply:os.system [id]",
    "ten megabytes": b"a: 1\n" * 2_000_000,
    "duplicates": b"a: 1\n" * 200_000,
    "flow pairs": b"[" + b"a: b, " * 150_000 + b"]",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_rejects_hostile_files_quickly(name, tmp_path):
    """No file takes a second or 100 MB, or crashes the process."""
    file = tmp_path / "m.yaml"
    file.write_bytes(_HOSTILE[name])
    code = (
        "import resource, sys, time\n"
        "from keyturn.model.diagnostic import DiagnosticError\n"
        "from keyturn.yamldoc.reader import parse_document\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "begin = time.process_time()\n"
        "try:\n    document = parse_document(data, 'm.yaml'); len(document.spans)\n"
        "except DiagnosticError as error:\n    assert error.diagnostics\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(time.process_time() - begin, (after - before) / 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 1
    assert megabytes < 100


def test_computes_spans_only_on_access():
    """Reading many files does not compute spans that are not used."""
    document = parse_document(b"a: 1\n", "m.yaml")
    assert "_spans" not in vars(document.spans)
    assert document.spans[("a",)].line == 1
    assert "_spans" in vars(document.spans)


def outcome(data):
    """Return the document of some bytes, or its diagnostics."""
    try:
        return parse_document(data, "m.yaml")
    except DiagnosticError as error:
        return error.diagnostics


@given(st.text(max_size=60) | st.text("ab:-? []{},&*!|>'\"%@`#\n\t\\~0", max_size=60))
@example("a: '\n")
@example("a: |\n\t")
@example("\ufeff%")
def test_any_text_gives_a_tree_or_diagnostics(text):
    """Only DiagnosticError is raised, and an accepted text has the keys that PyYAML reads."""
    found = outcome(text.encode("utf-8", "surrogatepass"))
    assert found
    if isinstance(found, Document):
        assert found.spans[()].line >= 1
        assert yaml.load(text, Loader=yaml.CSafeLoader).keys() == found.tree.keys()


@given(st.binary(max_size=80))
def test_any_bytes_give_a_tree_or_diagnostics(data):
    """Only DiagnosticError is raised for any encoding."""
    assert outcome(data)


def test_reads_the_same_without_libyaml(monkeypatch):
    """The Python parser of PyYAML gives the same tree and spans as its C parser."""
    text = b"a: {b: [1, 'x']}\nc: |\n  y\n"
    fast = parse_document(text, "m.yaml")
    monkeypatch.setattr("keyturn.yamldoc.reader._PARSER", yaml.SafeLoader)
    slow = parse_document(text, "m.yaml")
    assert fast.tree == slow.tree
    assert dict(fast.spans) == dict(slow.spans)


def test_resource_usage_is_measured_in_kibibytes():
    """The memory test relies on this unit."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 10_000


def test_a_small_number_in_an_encrypted_file_is_rejected():
    """Sops would write it with an exponent."""
    assert parse_document(b"a: 0.00005\n", "m.yaml").tree == {"a": 0.00005}
    with pytest.raises(DiagnosticError) as caught:
        parse_document(b"a: 0.00005\nb: 0.5\nsops: {}\n", "m.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, str(diagnostic.origin)) == ("KT113", "m.yaml:1:4")
