"""Every rule there is."""

import re
from pathlib import Path

from keyturn.core.codes import CODES
from keyturn.policy.registry import RULES
from keyturn.policy.settings import CONFIGURABLE

ROOT = Path(__file__).parents[2]


def test_every_rule_has_a_code_and_every_code_a_rule():
    """No code explains what nothing finds."""
    assert sorted({rule.code for rule in RULES}) == sorted(CONFIGURABLE)


def test_a_rule_is_called_what_its_code_is_called():
    """One title, in one place."""
    assert all(rule.title == CODES[rule.code].title for rule in RULES)


def test_rules_stand_in_the_order_of_their_codes():
    """The order in which they run shows nowhere, but a reader looks for it."""
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)


def test_two_rules_of_one_code_weigh_the_same():
    """A level is said of a code."""
    weights = {(rule.code, rule.severity) for rule in RULES}
    assert len(weights) == len({code for code, _ in weights})


def test_every_rule_has_a_line_in_the_reference():
    """Code, what it finds, its level: as the registry has them."""
    lines = (ROOT / "docs" / "reference" / "policy.md").read_text().splitlines()
    for rule in RULES:
        begin = f"| {rule.code} | {rule.title} | {rule.severity.name.lower()} | "
        assert sum(line.startswith(begin) for line in lines) == 1, begin


def test_every_code_of_the_reference_exists():
    """Nothing is promised there that nobody finds."""
    text = (ROOT / "docs" / "reference" / "policy.md").read_text()
    assert set(re.findall(r"KT\d{3}", text)) <= set(CODES)
