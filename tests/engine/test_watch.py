"""What a run tells while it goes on."""

from keyturn.core.change import Action, Change
from keyturn.core.outcome import Ending, Outcome
from keyturn.engine.watch import Watch
from making import credential


def test_nobody_has_to_listen():
    """Each moment can be ignored."""
    watch, address = Watch(), credential("a")
    watch.phase("plan")
    watch.began(Change(action=Action.CREATE, address=address))
    watch.ended(Outcome(address=address, action="create", ending=Ending.DONE))
    assert vars(watch) == {}
