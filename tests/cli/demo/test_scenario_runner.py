"""The stage of the demo."""

import click
import pytest

from keyturn.cli.demo import scenario as module
from keyturn.cli.demo.scenario import DemoRunner, open_demo
from keyturn.model.diagnostic import DiagnosticError


def test_a_command_is_shown_and_run(tmp_path, capsys):
    """What is printed is what is run, with the shell's left side left out."""
    scene = DemoRunner(tmp_path, {"PATH": "/bin:/usr/bin"}, "", None, color=False)
    scene.print_step("Hello")
    scene.run_command("pass show x | cat", stdin="from the pipe")
    assert capsys.readouterr().out == "\n# Hello\n$ pass show x | cat\nfrom the pipe\n"


def test_another_ending_ends_the_story(tmp_path):
    """A demo that lies is worse than none."""
    scene = DemoRunner(tmp_path, {"PATH": "/bin:/usr/bin"}, "", None, color=False)
    scene.run_command("false", expect=1)
    with pytest.raises(click.ClickException, match="exit 1, expected 0"):
        scene.run_command("false")


def test_the_emulator_runs_while_the_stage_stands(tmp_path):
    """In a process of its own, and gone afterwards."""
    with open_demo(tmp_path, color=False) as scene:
        assert scene.control_client.read_state()["credentials"] == []
        assert scene.folder == tmp_path / "repository"
        assert set(scene.environment) >= {"PLANASONIX_API_KEY", "SOPS_AGE_KEY_FILE", "NO_COLOR"}
    with pytest.raises(OSError, match="refused"):
        scene.control_client.read_state()


def test_without_the_emulator_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    """An extra that is not installed."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(DiagnosticError) as caught, open_demo(tmp_path, color=False):
        pass
    assert caught.value.diagnostics[0].code == "KT042"
