"""Registry: every rule there is, in the order of their codes."""

from keyturn.policy import material
from keyturn.policy.rule import Rule
from keyturn.policy.rules import (
    access,
    ageing,
    connectors,
    expiry,
    labels,
    lasting,
    leaks,
    privilege,
    reach,
    separation,
    transport,
)

_RULE_MODULES = (
    *(access, ageing, connectors, expiry, labels, lasting, leaks, material),
    *(privilege, reach, separation, transport),
)

RULES: tuple[Rule, ...] = tuple(
    sorted((rule for module in _RULE_MODULES for rule in module.RULES), key=lambda rule: rule.code)
)
