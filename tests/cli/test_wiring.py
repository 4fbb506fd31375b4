"""Where flags and the environment become what the engine works with."""

import click

from keyturn.cli.wiring import open_run, open_service, wish


def test_consents_come_from_options():
    """What was not said is not agreed to."""
    nothing = wish({})
    assert nothing.targets == ()
    assert (nothing.consents.retire, nothing.consents.rotate, nothing.consents.empty) == (-1, -1, False)
    said = wish(
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
    consents = said.consents
    assert (consents.destinations, consents.reuse, consents.restore) == ({"d"}, {"r"}, {"s"})
    assert consents.adopts("anything")
    assert (consents.retire, consents.rotate, consents.empty) == (3, 0, True)


def test_what_was_opened_is_closed(office, monkeypatch):
    """At the end of the command, and not before."""
    for name, value in office.repo.environment().items():
        monkeypatch.setenv(name, value)
    with click.Context(click.Command("plan")):
        services = [open_run(office.repo.root, "").service, open_service(office.repo.root, "")]
        assert [each.organization().id for each in services] == [office.service.organization] * 2
        assert all(map(connected, services))
    assert not any(map(connected, services))


def connected(service):
    """Tell whether a client holds connections."""
    return any(line._pool.connections for line in service._exchange._lines)
