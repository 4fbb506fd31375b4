"""What a rule is and what it needs."""

import pytest

from keyturn.model.address import SourceLocation
from keyturn.model.secret import Secret
from keyturn.policy.rule import Requires, RuleContext, Violation
from sample_policies import TODAY, make_view

PROJECT = SourceLocation("keyturn.yaml", 3, 1)


@pytest.mark.parametrize(
    ("known", "provided"),
    [
        ({}, {Requires.MANIFEST, Requires.ALL_MANIFESTS}),
        ({"complete": False}, {Requires.MANIFEST}),
        ({"rotated": {"f": {(): TODAY}}}, {Requires.MANIFEST, Requires.ALL_MANIFESTS, Requires.HISTORY}),
        (
            {"fingerprints": {("f", ("p",)): "x"}},
            {Requires.MANIFEST, Requires.ALL_MANIFESTS, Requires.SECRETS},
        ),
        (
            {"secrets": {"f": {("p",): Secret("x")}}},
            {Requires.MANIFEST, Requires.ALL_MANIFESTS, Requires.SECRETS},
        ),
    ],
)
def test_a_context_satisfies_rules_by_its_data(known, provided):
    """A waiver counts as unused only if its rule had all data."""
    context = RuleContext(today=TODAY, **known)
    assert {needs for needs in Requires if context.can_satisfy(needs)} == provided


def test_a_violation_without_manifest_is_located_in_the_project():
    """One diagnostic for the section."""
    assert Violation(message="m").find_location(PROJECT) == PROJECT
    one = make_view("kind: credential\nname: x\ntype: aws\n")
    assert Violation(message="m", resource=one, path=("name",)).find_location(PROJECT) == SourceLocation(
        one.file, 2, 7
    )
