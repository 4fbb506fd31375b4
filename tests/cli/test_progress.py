"""Progress on the error stream: in this process, and on real terminals."""

import json
import re
import sys
import threading

import pytest

from cli_in_process import FakeStream
from keyturn.cli import progress as module
from keyturn.cli.progress import FIRST_DRAW_DELAY, ProgressDisplay, ProgressStyle, choose_progress_style
from keyturn.model.change import Action, Change, ChangeOutcome, OutcomeStatus
from keyturn.views.terminal import display_width
from sample_resources import credential_address
from terminals import list_colours, list_frames, run_on_terminal, strip_escapes

DB = credential_address("prod-db")
CHANGE = Change(action=Action.CREATE, address=DB)


@pytest.fixture
def stream(monkeypatch):
    """Return a function that puts a stream in the place of standard error."""

    def put(*, tty=False, **variables):
        made = FakeStream(tty=tty)
        monkeypatch.setattr(sys, "stderr", made)
        monkeypatch.setattr(module, "read_environment", lambda: {"TERM": "xterm", **variables})
        return made

    return put


def told(made, *, form="text", late=False, ending=OutcomeStatus.DONE, address=DB):
    """Return what an apply of one change of two writes to a stream."""
    with ProgressDisplay(form) as progress:
        if late:
            progress._started -= 2 * FIRST_DRAW_DELAY
        progress.start_phase("plan")
        progress.start_phase("apply", 2)
        progress.start_change(CHANGE)
        progress.finish_change(ChangeOutcome(address=address, action="create", outcome_status=ending))
    return made.said()


@pytest.mark.parametrize(
    ("place", "form", "verbose", "expected"),
    [
        ({"tty": True}, "text", False, ProgressStyle.BAR),
        ({"tty": True}, "markdown", False, ProgressStyle.BAR),
        ({"tty": True, "NO_COLOR": "1"}, "text", False, ProgressStyle.BAR),
        ({"tty": True, "TERM": "dumb"}, "text", False, ProgressStyle.LINES),
        ({}, "text", False, ProgressStyle.LINES),
        ({"FORCE_COLOR": "1"}, "text", False, ProgressStyle.LINES),
        ({"tty": True}, "json", False, ProgressStyle.SILENT),
        ({}, "json", False, ProgressStyle.SILENT),
        ({"tty": True}, "text", True, ProgressStyle.VERBOSE),
        ({}, "json", True, ProgressStyle.VERBOSE),
    ],
)
def test_manners(stream, place, form, verbose, expected):
    """A bar for a person, lines for a log, nothing for a program, all for who asks."""
    stream(**place)
    assert choose_progress_style(form, verbose=verbose) is expected


@pytest.mark.parametrize("tty", [True, False])
def test_a_quick_run_draws_nothing(stream, tty):
    """Neither in a log nor on a terminal."""
    assert told(stream(tty=tty)) == ""


def test_a_log_hears_of_what_went_wrong(stream):
    """A line for each change that did not end well."""
    assert told(stream(), ending=OutcomeStatus.FAILED) == "create credential/prod-db: failed\n"


def test_a_log_of_a_slow_run_has_plain_lines(stream):
    """A line for each phase, with the count and the seconds, and not one escape."""
    assert told(stream(), late=True).splitlines() == ["planning (2 s)", "applying: 0 of 2 (2 s)"]


def test_a_terminal_sees_a_bar_after_a_while(stream):
    """With phase and count; and it goes away again."""
    said = told(stream(tty=True), late=True)
    assert "applying: 1 of 2" in strip_escapes(said)
    assert said.endswith(("\x1b[2K", "\x1b[?25h", "\r\x1b[1A\x1b[2K"))


def test_a_program_hears_nothing(stream):
    """However long it takes and however it ends: the answer is on the other stream."""
    assert told(stream(tty=True), form="json", late=True, ending=OutcomeStatus.FAILED) == ""


def test_verbose_tells_all(stream, monkeypatch):
    """Phases, and each change as it begins and ends; no bar in between."""
    monkeypatch.setattr(module.options, "is_verbose", lambda: True)
    for tty in (True, False):
        assert told(stream(tty=tty), late=True).splitlines() == [
            "planning",
            "applying, 2 changes",
            "create credential/prod-db …",
            "create credential/prod-db: done",
        ]


def test_a_name_stays_on_its_line(stream):
    """A line feed in a name would begin a line of its own."""
    said = told(
        stream(), ending=OutcomeStatus.FAILED, address=credential_address("a\n::error::b\x1b[2J\u202e")
    )
    assert said == r"create credential/a\u{a}::error::b\u{1b}[2J\u{202e}: failed" + "\n"


def test_silence_is_broken_while_nothing_happens(stream, monkeypatch):
    """One long phase without a step is told all the same, from the alarm's thread, again and again."""
    monkeypatch.setattr(module, "FIRST_DRAW_DELAY", 0.01)
    monkeypatch.setattr(module, "LINE_INTERVAL", 0.01)
    made, seen = stream(), threading.Event()
    write = made.write
    monkeypatch.setattr(made, "write", lambda text: (write(text), seen.set())[0])
    with ProgressDisplay(phase="plan") as progress:
        for _ in range(3):
            assert seen.wait(10)
            seen.clear()
        progress.pause()
        seen.clear()
        before = made.said()
        assert not seen.wait(0.1)
    assert made.said() == before
    assert set(before.splitlines()) == {"planning (0 s)"}


# On real terminals -------------------------------------------------------------------------------


@pytest.fixture
def slow(setup, canary):
    """Return a setup whose service takes its time, with something to plan."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    setup.service.change_settings(latency_ms=150)
    setup.service.add_fault("latency", method="GET", path="/api/connections", times=0, seconds=2)
    return setup


def run(setup, *arguments, columns=80, streams=("stderr",), **variables):
    """Run keyturn with streams on a terminal of so many columns."""
    env = setup.repo.environment(**{"TERM": "xterm-256color", "LANG": "C.UTF-8", **variables})
    argv = [sys.executable, "-m", "keyturn", *arguments]
    return run_on_terminal(argv, cwd=setup.repo.root, env=env, columns=columns, streams=streams)


@pytest.mark.parametrize("columns", [80, 200])
def test_a_bar_on_a_terminal(slow, columns):
    """A plan of three seconds: the phase, a bar in colour, within the columns, gone at the end."""
    done = run(slow, "plan", columns=columns)
    assert done.code == 0
    drawn = list_frames(done.stderr)
    assert {each.partition("  ")[0].partition(" ━")[0].strip() for each in drawn} & {
        "planning: reading the workspace",
        "planning: decrypting secrets",
    }
    assert any("━" in each for each in drawn)
    assert max(map(display_width, drawn)) <= columns
    assert list_colours(done.stderr)
    assert done.stderr.rstrip().endswith("\x1b[2K")
    assert "\x1b" not in done.stdout
    assert "Plan: 2 to create" in done.stdout


def test_a_count_on_a_terminal(slow):
    """An apply: how many of how many."""
    done = run(slow, "apply", "--yes")
    assert done.code == 0
    counts = {int(found) for found in re.findall(r"applying: (\d) of 2", strip_escapes(done.stderr))}
    assert counts >= {0, 1}


def test_no_color_leaves_the_bar_and_takes_its_colours(slow):
    """https://no-color.org: the bar moves, nothing is coloured, on either stream."""
    done = run(slow, "plan", NO_COLOR="1", streams=("stdout", "stderr"))
    assert any("━" in each or "╸" in each for each in list_frames(done.stderr))
    assert list_colours(done.stderr) == set()


def test_the_flag_does_the_same(slow):
    """--no-color, before or behind the command."""
    done = run(slow, "plan", "--no-color", streams=("stdout", "stderr"))
    assert any("━" in each or "╸" in each for each in list_frames(done.stderr))
    assert list_colours(done.stderr) == set()


def test_a_dumb_terminal_gets_lines(slow):
    """TERM=dumb: not one escape, a line for what takes long."""
    done = run(slow, "plan", TERM="dumb", streams=("stdout", "stderr"))
    assert "\x1b" not in done.stderr
    assert re.search(r"^planning: .+ \(\d s\)", done.stderr, re.MULTILINE)


def test_a_program_that_reads_json_sees_no_bar(slow):
    """Even where the error stream is a terminal: one value, and silence beside it."""
    done = run(slow, "plan", "--format", "json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["summary"]["create"] == 2


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}])
def test_a_pipe_gets_lines(slow, variables):
    """No bar in a log; colours there only where they are forced, and never against NO_COLOR."""
    done = run(slow, "plan", streams=(), **variables)
    assert re.fullmatch(r"(planning[^\n]* \(\d+ s\)\n)+", done.stderr)
    assert bool(list_colours(done.stdout)) is (variables == {"FORCE_COLOR": "1"})


@pytest.mark.parametrize("columns", [80, 200])
def test_the_plan_fills_the_terminal(setup, canary, columns):
    """Folded at the columns that there are; a narrow one takes more lines."""
    setup.repo.credential("prod-db", {"password": canary()})
    done = run(setup, "plan", columns=columns, streams=("stdout",))
    lines = strip_escapes(done.stdout).splitlines()
    assert max(map(display_width, lines[:-1])) <= columns
    assert list_colours(done.stdout)
    assert max(map(display_width, lines)) > columns // 2
