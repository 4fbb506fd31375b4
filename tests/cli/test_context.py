"""Where flags and the environment become what the engine works with."""

import click

from keyturn.cli.context import open_command_client, open_command_context, parse_plan_options


def test_consents_come_from_options():
    """What was not said is not agreed to."""
    nothing = parse_plan_options({})
    assert nothing.targets == ()
    assert (nothing.approvals.retire, nothing.approvals.rotate, nothing.approvals.empty) == (-1, -1, False)
    said = parse_plan_options(
        {
            "targets": ("b", "a"),
            "reassert": ("x",),
            "allow_destination_change": ("d",),
            "adopt": ("*",),
            "allow_reuse": ("r",),
            "allow_restore": ("s",),
            "allow_retire": 3,
            "allow_rotate": 0,
            "allow_empty": True,
        }
    )
    assert said.targets == ("a", "b")
    assert said.reassert == {"x"}
    consents = said.approvals
    assert (consents.destinations, consents.reuse, consents.restore) == ({"d"}, {"r"}, {"s"})
    assert consents.allows_adoption("anything")
    assert (consents.retire, consents.rotate, consents.empty) == (3, 0, True)


def test_what_was_opened_is_closed(setup, monkeypatch):
    """At the end of the command, and not before."""
    for name, value in setup.repo.environment().items():
        monkeypatch.setenv(name, value)
    with click.Context(click.Command("plan")):
        services = [
            open_command_context(setup.repo.root, "").service,
            open_command_client(setup.repo.root, ""),
        ]
        assert [each.read_organization().id for each in services] == [setup.service.organization] * 2
        assert all(map(connected, services))
    assert not any(map(connected, services))


def connected(service):
    """Tell whether a client holds connections."""
    return any(line._pool.connections for line in service._transport._connections)
