"""What a rule is and what it needs."""

import pytest

from judging import TODAY, subject
from keyturn.core.address import Origin
from keyturn.core.secret import Secret
from keyturn.policy.rule import Context, Found, Needs

PROJECT = Origin("keyturn.yaml", 3, 1)


@pytest.mark.parametrize(
    ("known", "provided"),
    [
        ({}, {Needs.MANIFEST, Needs.FLEET}),
        ({"whole": False}, {Needs.MANIFEST}),
        ({"rotated": {"f": {(): TODAY}}}, {Needs.MANIFEST, Needs.FLEET, Needs.HISTORY}),
        ({"fingerprints": {("f", ("p",)): "x"}}, {Needs.MANIFEST, Needs.FLEET, Needs.SECRETS}),
        ({"secrets": {"f": {("p",): Secret("x")}}}, {Needs.MANIFEST, Needs.FLEET, Needs.SECRETS}),
    ],
)
def test_a_context_provides_what_it_holds(known, provided):
    """A waiver is called unused only where its rule could have seen everything."""
    context = Context(today=TODAY, **known)
    assert {needs for needs in Needs if context.provides(needs)} == provided


def test_what_belongs_to_no_manifest_is_found_in_the_project():
    """One finding for the section that lacks something."""
    assert Found(message="m").origin(PROJECT) == PROJECT
    one = subject("kind: credential\nname: x\ntype: aws\n")
    assert Found(message="m", subject=one, path=("name",)).origin(PROJECT) == Origin(one.file, 2, 7)
