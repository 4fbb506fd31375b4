"""Options that several commands share."""

import click
import pytest

from keyturn.cli import options
from keyturn.cli.main import COMMAND_MODULES, root_command


def commands():
    """Yield every command with its words."""
    ctx = click.Context(root_command)
    for name in COMMAND_MODULES:
        found = root_command.get_command(ctx, name)
        below = found.commands.items() if isinstance(found, click.Group) else ()
        yield (name,), found
        yield from (((name, other), command) for other, command in below)


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_the_same_options(words):
    """--no-color and -v behind every command, --help with an example, no option without a word on it."""
    command = ALL[words]
    text = command.get_help(click.Context(command, info_name=" ".join(words)))
    assert text.count("--no-color") == 1
    assert text.count("-v, --verbose") == 1
    assert "Example" in text
    assert "  keyturn" in text
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_flags_mean_the_same_everywhere(words):
    """A short flag, and a long one that several commands have, is one thing."""
    meanings = {"-C": "folder", "-v": "verbose", "--format": "form", "-w": ("workspace", "names")}
    meanings["-y"] = ("yes", "auto")
    for option in ALL[words].params:
        for flag in (*option.opts, *option.secondary_opts):
            meant = meanings.get(flag, option.name)
            assert option.name in ((meant,) if isinstance(meant, str) else meant)


def test_the_project_is_found_alike():
    """Whatever takes a workspace takes --chdir too."""
    for command in ALL.values():
        flags = {flag for option in command.params for flag in option.opts}
        if "--workspace" in flags and command.name != "init":
            assert "--chdir" in flags


def test_more_is_told_only_where_it_is_asked_for():
    """Outside of any command, and without -v, it is not."""
    assert not options.is_verbose()
    with click.Context(root_command) as ctx:
        assert not options.is_verbose()
        assert not options.is_color_disabled(ctx)
