"""Messages as a catalogue: each finding says what, where, why and what to do next, in one manner."""

import ast
import re

import pytest

from diagnostic_calls import find_diagnostic_calls
from keyturn.catalog import find_code, load_catalog
from sources import list_modules

FINDINGS = tuple(find_diagnostic_calls())
CODE = re.compile(r"KT\d{3}")
UNSAID = "{…}"

NAMES = (
    "API",
    "Azure",
    "FTP",
    "JSON",
    "OAuth",
    "PFX",
    "SOPS",
    "TLS",
    "MAC",
    "PLANASONIX",
    "UTF",
    "SSH",
    "AWS",
)
"""Words that are written large wherever they stand."""

LEADS = frozenset(
    {
        "add", "after", "agree", "allowed:", "apply", "ask", "attach", "authorize", "begin", "break",
        "bring", "check", "chmod", "choose", "commit", "compare", "complete", "copy", "correct", "create",
        "decrypt", "delete", "detach", "did", "do", "download", "encode", "encrypt", "export", "fetch",
        "fill", "find", "fix", "for", "free", "give", "if", "install", "keep", "known", "leave", "let",
        "look", "lower", "make", "move", "name", "nothing", "open", "plan", "provide", "put", "reduce",
        "refer", "register", "remove", "rename", "renew", "replace", "restore", "restrict", "retire",
        "review", "rotate", "run", "run:", "save", "say", "see", "set", "share", "shorten", "split",
        "state", "store", "synchronize", "take", "to", "trust", "try", "unfold", "use", "wait", "where",
        "whoever", "write",
    }
)  # fmt: skip
"""How a next step begins: with what is to be done, or with the case in which it is."""

SECRET = frozenset({"value", "values", "secret", "secrets", "leaf", "password", "plaintext", "body", "data"})
"""Names of variables that may hold what must not be seen."""


def started_well(text):
    """Tell whether a phrase begins small, or with a name."""
    return not text[:1].isupper() or text.startswith(NAMES) or bool(CODE.match(text))


def ended_well(text):
    """Tell whether a phrase ends as a part of a line does, not as a sentence."""
    return not text.endswith((".", " ", "!", ":", ";", ",")) or text.endswith(("keep:", "sops:", "secrets:"))


def told(part):
    """Return each wording of a part of the findings, with the place where it is made."""
    return sorted({(made.where, word) for made in FINDINGS for word in made.words(part) if word})


def test_findings_are_found():
    """The catalogue is not empty: the walk sees the makers of findings."""
    assert len(FINDINGS) > 150
    assert len({word for _, word in told("message")}) > 250


@pytest.mark.parametrize("made", FINDINGS, ids=lambda made: made.where)
def test_each_finding_says_what_where_and_what_next(made):
    """A finding has a message, a place, and a next step of its own or of its code."""
    name = made.call.func.id if isinstance(made.call.func, ast.Name) else made.call.func.attr
    assert any(made.words("message"))
    if name == "Violation":
        return  # its place is the subject's, its hint the code's where it has none: Rule and judge see to it
    assert made.parts.get("origin") or made.parts.get("place")
    if name == "add_error" and "hint" not in made.parts:
        assert made.module.name.startswith("keyturn.policy"), "only a setting of policy takes its code's hint"
        return
    assert any(made.words("hint"))


def test_messages_have_one_manner():
    """A message begins small, or with a name, and ends without a full stop."""
    assert [each for each in told("message") if not (started_well(each[1]) and ended_well(each[1]))] == []


def test_hints_have_one_manner():
    """A next step begins with what is to be done, small, and ends without a full stop."""
    strange = [
        (where, word)
        for where, word in told("hint")
        if not word.startswith(UNSAID)
        and not (
            started_well(word)
            and ended_well(word)
            and word.split()[0].rstrip(",;:") in {lead.rstrip(":") for lead in LEADS}
        )
    ]
    assert strange == []


@pytest.mark.parametrize("code", load_catalog())
def test_explanations_have_one_manner(code):
    """A title is a phrase, why and fix are sentences, and a fix says what to do."""
    entry = find_code(code)
    assert started_well(entry.title)
    assert ended_well(entry.title)
    assert entry.why[0].isupper() or entry.why[0] in "`0123456789" or entry.why.startswith("sops")
    assert entry.fix.endswith((".", ")"))
    assert started_well(entry.hint)
    assert not entry.hint.endswith(".")
    assert entry.hint.split()[0].rstrip(",;:") in LEADS


def test_no_message_quotes_what_could_be_secret():
    """What is filled into a message or a hint are names, numbers and places, never a value."""
    quoted = [
        (made.where, ast.unparse(hole.value))
        for made in FINDINGS
        for part in ("message", "hint")
        for hole in ast.walk(made.parts.get(part) or ast.Constant(""))
        if isinstance(hole, ast.FormattedValue)
        for name in ast.walk(hole.value)
        if (isinstance(name, ast.Name) and name.id in SECRET)
        or (isinstance(name, ast.Attribute) and name.attr in SECRET | {"reveal"})
    ]
    assert quoted == []


def test_counts_are_worded_by_one_function():
    """No text puts an s behind a number by itself: ``counted`` knows that one file is not "1 files".

    Bytes and characters are units of sizes, never one.
    """
    written = [
        f"{module.place}:{node.lineno}"
        for module in list_modules("keyturn")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.JoinedStr)
        for hole, after in zip(node.values, node.values[1:], strict=False)
        if isinstance(hole, ast.FormattedValue)
        and isinstance(hole.value, ast.Call)
        and getattr(hole.value.func, "id", "") in {"len", "sum"}
        and isinstance(after, ast.Constant)
        and re.match(r" (?!bytes|characters)(?:[a-z]+ )?[a-z]+s\b(?! of\b)", str(after.value))
    ]
    assert written == []
