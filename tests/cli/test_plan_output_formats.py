"""What plan, show and apply do alike."""

import json

import click
import pytest

from keyturn.cli.commands.plan import PLAN_FORMATS
from keyturn.cli.plan_output import PLAN_FAIL_ON_CLASSES, format_plan, has_failing_class, parse_fail_on
from keyturn.model.change import Action, Change
from keyturn.model.plan import Plan
from sample_resources import credential_address

EMPTY = Plan(workspace="prod", organization="org", changes=())


@pytest.mark.parametrize("form", PLAN_FORMATS)
def test_every_form_is_drawn(form):
    """Without a newline at its end: click adds one."""
    drawn = format_plan(EMPTY, form, color=False)
    assert drawn
    assert not drawn.endswith("\n")
    if form in {"json", "gitlab"}:
        json.loads(drawn)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("", ()), ("exposure", ("exposure",)), (" retire , rotate,", ("retire", "rotate"))],
)
def test_classes_are_named(words, expected):
    """Commas and blanks as people write them."""
    assert parse_fail_on(words) == expected


@pytest.mark.parametrize("words", ["exposures", "retire;rotate", "\x1b"])
def test_a_class_that_is_none(words):
    """A misspelt brake would be no brake."""
    with pytest.raises(click.UsageError, match="--fail-on takes exposure, access"):
        parse_fail_on(words)


def test_a_plan_fails_on_what_it_holds():
    """Each action is its own class."""
    for action in (Action.RETIRE, Action.REPLACE, Action.ROTATE):
        change = Change(action=action, address=credential_address("prod-db"))
        plan = Plan(workspace="prod", organization="org", changes=(change,))
        assert [name for name in PLAN_FAIL_ON_CLASSES if has_failing_class(plan, [name])] == [action.value]
        assert not has_failing_class(EMPTY, PLAN_FAIL_ON_CLASSES)
