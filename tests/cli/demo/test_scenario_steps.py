"""The story that the demo tells: each of its commands is one that there is, in an order that makes sense."""

import shlex
from contextlib import contextmanager

import click

from keyturn.cli.demo import scenario
from keyturn.cli.main import root_command


class Scene:
    """Writes down what would be run."""

    base_url = "http://127.0.0.1:1"

    def __init__(self, folder):
        """Begin with what init would make."""
        self.folder, self.control_client, self.ran = folder, self, []
        for kind in ("credentials", "connections"):
            (folder / "manifests/prod" / kind).mkdir(parents=True)

    def print_step(self, text):
        """Hear a line."""
        assert text

    def run_command(self, command, expect=0, stdin=""):
        """Hear a command."""
        self.ran.append((command, expect, stdin))

    def edit_in_ui(self, *_, **__):
        """Hear of an edit in the UI."""

    def set_targets(self, targets):
        """Hear of a database."""
        assert targets


def test_the_story(tmp_path, monkeypatch):
    """Every command parses; the endings are those of the page: drift 2, a refused rotation 1, a guard 5."""
    scenes = []

    @contextmanager
    def stage(folder, _):
        scenes.append(Scene(folder))
        yield scenes[0]

    monkeypatch.setattr(scenario, "open_demo", stage)
    scenario.run_demo(tmp_path, color=False)
    ran = scenes[0].ran
    assert [expect for _, expect, _ in ran if expect] == [2, 1, 5]
    for line, _, _ in ran:
        words = shlex.split(line.rpartition("| ")[2])
        if words[0] == "keyturn":
            ctx = root_command.make_context("keyturn", words[1:])
            name, command, rest = root_command.resolve_command(ctx, words[1:])
            while isinstance(command, click.Group):
                name, command, rest = command.resolve_command(ctx, rest)
            assert command.make_context(name, list(rest), parent=ctx)
