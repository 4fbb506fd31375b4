"""A pull told."""

import re

from hypothesis import given

from keyturn.core.address import Address
from keyturn.core.change import FieldChange
from keyturn.core.pulled import Left, Pulled
from keyturn.render.pulling import pulled_text, total
from plans import hostile_text

PG = Address("connection", "prod-pg")
DATABASE, HOST = ("config", "database"), ("config", "host")


def test_each_field_is_told():
    """Before and after of what was written; why and the next step of what was not."""
    each = Pulled(
        address=PG,
        file="manifests/prod/connections/prod-pg.yaml",
        written=(FieldChange(DATABASE, "app", "app2", "app"),),
        left=(Left(HOST, "it says where the secret of prod-db goes", "prod-db"),),
        sealed=True,
    )
    lines = pulled_text((each,)).splitlines()
    assert lines[0] == "connection/prod-pg  manifests/prod/connections/prod-pg.yaml"
    assert lines[1] == "  ~ config.database  app → app2"
    assert lines[3] == "  ! config.host  left: it says where the secret of prod-db goes"
    assert lines[4] == "      next  if it is meant: --allow-destination-change prod-db"
    assert lines[-1] == total((each,)) == "Pull: 1 field of 1 file written, 1 left."


def test_no_drift_is_said():
    """One line, which can be parsed."""
    assert pulled_text(()) == "Pull: no drift.\n"


@given(hostile_text())
def test_any_text_is_harmless(said):
    """For any name and value: no escape reaches the terminal."""
    odd = Pulled(
        address=Address("connection", said),
        file=said,
        written=(FieldChange(("config", said), said, said, said),),
        left=(Left((said,), said, said),),
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", pulled_text((odd,)))
