"""What plan, show and apply do alike."""

import json

import click
import pytest

from keyturn.cli.plan import FORMATS
from keyturn.cli.planner import CLASSES, draw, fails_on, named
from keyturn.core.change import Action, Change
from keyturn.core.plan import Plan
from making import credential

EMPTY = Plan(workspace="prod", organization="org", changes=())


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_drawn(form):
    """Without a newline at its end: click adds one."""
    drawn = draw(EMPTY, form, colour=False)
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
    assert named(words) == expected


@pytest.mark.parametrize("words", ["exposures", "retire;rotate", "\x1b"])
def test_a_class_that_is_none(words):
    """A misspelt brake would be no brake."""
    with pytest.raises(click.UsageError, match="--fail-on takes exposure, access"):
        named(words)


def test_a_plan_fails_on_what_it_holds():
    """Each action is its own class."""
    for action in (Action.RETIRE, Action.REPLACE, Action.ROTATE):
        change = Change(action=action, address=credential("prod-db"))
        plan = Plan(workspace="prod", organization="org", changes=(change,))
        assert [name for name in CLASSES if fails_on(plan, [name])] == [action.value]
        assert not fails_on(EMPTY, CLASSES)
