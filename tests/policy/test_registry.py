"""Every rule there is."""

from keyturn.core.codes import CODES
from keyturn.policy.registry import RULES
from keyturn.policy.settings import CONFIGURABLE


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
