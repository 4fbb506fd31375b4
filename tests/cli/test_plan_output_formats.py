"""What plan, show and apply do alike."""

import json

import click
import pytest
from msgspec.structs import replace

from keyturn.cli.commands.plan import PLAN_FORMATS
from keyturn.cli.plan_output import PLAN_FAIL_ON_CLASSES, find_plan_exit_code, format_plan, parse_fail_on
from keyturn.model.address import SourceLocation
from keyturn.model.change import Action, Change, SecretChange, SecretStatus
from keyturn.model.diagnostic import Cause, error_diagnostic
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
        failing = [
            name for name in PLAN_FAIL_ON_CLASSES if find_plan_exit_code(plan, [name], is_detailed=False)
        ]
        assert failing == [action.value]
        assert find_plan_exit_code(EMPTY, PLAN_FAIL_ON_CLASSES, is_detailed=True) == 0


SUSPECT = Change(
    action=Action.NO_OP,
    address=credential_address("prod-db"),
    secrets=(SecretChange(("password",), SecretStatus.SUSPECT),),
)
UPDATE = Change(action=Action.UPDATE, address=credential_address("prod-db"))


def make_error(code, cause=Cause.OTHER):
    """Return a plan of one update that an error blocks."""
    error = error_diagnostic(code, SourceLocation("state"), "no", "do it", cause=cause)
    return replace(EMPTY, changes=(UPDATE,), diagnostics=(error,))


@pytest.mark.parametrize(
    ("plan", "plain", "detailed"),
    [
        (EMPTY, 0, 0),
        (replace(EMPTY, changes=(UPDATE,)), 0, 2),
        (replace(EMPTY, changes=(SUSPECT,)), 0, 2),
        (replace(EMPTY, changes=(SUSPECT,), partial=True), 0, 2),
        (make_error("KT452"), 5, 5),
        (replace(make_error("KT452"), offline=True), 5, 5),
        (make_error("KT463"), 1, 1),
        (replace(make_error("KT454"), partial=True), 0, 2),
        (replace(make_error("KT451", Cause.NEW_DESTINATION), partial=True), 5, 5),
    ],
)
def test_exit_codes_of_a_plan(plan, plain, detailed):
    """A refusal is never green and never "changes wait"; a possible change of a secret counts as drift."""
    codes = [find_plan_exit_code(plan, (), is_detailed=flag) for flag in (False, True)]
    assert codes == [plain, detailed]
