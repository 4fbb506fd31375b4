"""Every rule there is."""

import json
import re
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from certificates import make_certificate
from keyturn.catalog import find_code, load_catalog
from keyturn.model.secret import Secret
from keyturn.policy.runner import RULES
from keyturn.policy.settings import is_rule_code
from sample_policies import TODAY, list_places, make_settings, make_view, run_policy_rules

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).with_name("broken.txt")
MADE = {
    "@certificate": lambda: make_certificate().pem,
    "@key": lambda: make_certificate().private(),
    "@locked": lambda: make_certificate().private("a passphrase"),
}
"""What a case of the table cannot hold, since it is another one each time."""

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ2cF4hJ6kL8"
"""The form of a token of GitHub's; in one piece it would stop those who look for tokens in repositories."""


def cases():
    """Read the table: code, place, what is said, what is known besides, the manifests."""
    blocks = re.findall(
        r"^(KT\d+) (\S+)\nsays: (.*)\n(?:with: (.*)\n)?((?:    .*\n)+)", BROKEN.read_text(), re.MULTILINE
    )
    return [
        (code, place, said, json.loads(known or "{}"), textwrap.dedent(text).split("---\n"))
        for code, place, said, known, text in blocks
    ]


def looked_at(known, texts):
    """Return what all rules find in manifests; what is opened, are the secrets of the first one."""
    traces = {
        "key_traces": frozenset(known.get("traces", ())),
        "mac_trace": known.get("mac", ""),
        "unexpected_texts": tuple(("config", name) for name in known.get("unexpected", ())),
    }
    subjects = [make_view(text.replace("@token", TOKEN), **traces) for text in texts]
    more = {"shallow_history": known.get("shallow", False), "connectors": tuple(known.get("connectors", ()))}
    if "policy" in known:
        more["policy"] = make_settings(known["policy"])
    if "aged" in known:
        more["rotated"] = {one.file: {(): TODAY - timedelta(known["aged"])} for one in subjects}
    if "same" in known:
        more["fingerprints"] = {
            (one.file, path): known["same"] for one in subjects for path in one.secret_paths
        }
    if "secrets" in known:
        opened = {name: MADE[text]() if text in MADE else text for name, text in known["secrets"].items()}
        more["secrets"] = {subjects[0].file: {(name,): Secret(text) for name, text in opened.items()}}
    return run_policy_rules(*subjects, **more)


@pytest.mark.parametrize(("code", "place", "said", "known", "texts"), cases())
def test_each_rule_reports_its_violation(code, place, said, known, texts):
    """One diagnostic with line, column and message."""
    found = looked_at(known, texts)
    assert list_places(code, found) == [place]
    assert [each.message for each in found if each.code == code] == [said]


def test_the_table_has_every_rule():
    """Every rule has a violation in the table."""
    assert [code for code, *_ in cases()] == sorted({rule.code for rule in RULES})
    assert len(cases()) == BROKEN.read_text().count("\nKT")


def test_rules_and_codes_match():
    """No code without a rule."""
    assert sorted({rule.code for rule in RULES}) == [code for code in load_catalog() if is_rule_code(code)]


def test_a_rule_has_the_title_of_its_code():
    """One title, in one place."""
    assert all(rule.title == find_code(rule.code).title for rule in RULES)


def test_rules_are_sorted_by_code():
    """For readers of the list."""
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)


def test_rules_of_one_code_have_one_severity():
    """The level belongs to the code."""
    weights = {(rule.code, rule.severity) for rule in RULES}
    assert len(weights) == len({code for code, _ in weights})


def test_every_rule_has_a_line_in_the_reference():
    """Code, title and level as in the registry."""
    lines = (ROOT / "docs" / "reference" / "policy.md").read_text().splitlines()
    for rule in RULES:
        begin = f"| {rule.code} | {rule.title} | {rule.severity.name.lower()} | "
        assert sum(line.startswith(begin) for line in lines) == 1, begin


def test_every_code_of_the_reference_exists():
    """The page names no other code."""
    text = (ROOT / "docs" / "reference" / "policy.md").read_text()
    assert set(re.findall(r"KT\d{3}", text)) <= set(load_catalog())


def test_each_row_of_the_vendors_guidance_has_an_answer():
    """A rule, a command, or why it cannot be checked."""
    text = (ROOT / "docs" / "reference" / "policy.md").read_text().partition("row by row")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 24
    assert [row for row in rows if not re.search(r"KT3\d\d|\*Not checkable\*|`(?:keyturn |apply)", row)] == []
