"""The destination on record, compared with the one that an object will have."""

import pytest

from keyturn.model.resource import EMPTY
from keyturn.planning.destination_record import (
    NO_RECORD,
    TYPE_PATH,
    DestinationComparer,
    DestinationRecord,
    DestinationRules,
    PredictedObject,
)
from keyturn.planning.prediction import CredentialIndex
from keyturn.schema.definitions import is_destination
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_inputs,
    make_live_object,
    make_state_entry,
)

A = credential_address("prod-db")
HOST, PORT, DATABASE, REFERENCE = (
    ("config", "host"),
    ("config", "port"),
    ("config", "database"),
    ("credential",),
)
ID = "cred_01hzy8kq2m"


def make_comparer():
    """Return a comparer that knows one credential."""
    inputs = make_inputs(make_state_entry(make_desired(A), ID))
    return DestinationComparer(
        rules=DestinationRules(is_destination=is_destination), index=CredentialIndex.from_plan(inputs, [])
    )


def differences(fields, record, **more):
    """Return the differing paths of a postgres connection."""
    predicted = PredictedObject(**{"kind": "connection", "type": "postgres", "fields": fields, **more})
    return make_comparer().find_differences(predicted, record)


RECORD = DestinationRecord(type="postgres", applied={HOST: "DB"}, observed={HOST: "db", PORT: 5432})


@pytest.mark.parametrize(
    ("fields", "more", "found"),
    [
        ({HOST: "DB", PORT: 5432}, {}, ()),
        ({HOST: "db", PORT: "5432"}, {}, ()),
        ({HOST: "evil", PORT: 5432}, {}, (HOST,)),
        ({HOST: "db"}, {}, (PORT,)),
        ({HOST: "db"}, {"is_new": True}, ()),
        ({PORT: 5432}, {"is_new": True}, (HOST,)),
        ({HOST: "db"}, {"is_live": True}, (PORT,)),
        ({HOST: "db", PORT: 5432, DATABASE: "plain"}, {}, ()),
        ({HOST: "db", PORT: 5432, DATABASE: "x host=evil"}, {}, (DATABASE,)),
        ({HOST: "db", PORT: 5432}, {"type": "mysql"}, (TYPE_PATH,)),
    ],
)
def test_type_and_all_destination_fields_count(fields, more, found):
    """The written and the returned value are both on record; a new object has no defaults yet."""
    assert differences(fields, RECORD, **more) == found


def test_a_field_that_the_service_hides_is_no_difference_of_the_live_object():
    """It was written, and it never came back."""
    record = DestinationRecord(type="postgres", applied={HOST: "db"})
    assert differences(EMPTY, record, is_live=True) == ()
    assert differences(EMPTY, record) == (HOST,)


def test_a_connection_string_on_record_is_a_destination():
    """To leave it is a move, too."""
    record = DestinationRecord(type="postgres", applied={DATABASE: "x host=db"})
    assert differences({DATABASE: "x"}, record) == (DATABASE,)


def test_the_record_of_an_entry_has_references_by_name_and_by_id():
    """A text with the ID of a credential refers to it."""
    entry = make_state_entry(
        make_desired(connection_address("c"), {"more": f"x-{ID}"}, uses="prod-db"), "conn_1"
    )
    record = make_comparer().record_entry(entry)
    assert record.references == {A: {REFERENCE, ("config", "more")}}
    assert record.has_references(A, frozenset({REFERENCE}))
    assert not record.has_references(A, frozenset({HOST}))
    assert record.first_value(("config", "more")) == f"x-{ID}"
    assert record.first_value(TYPE_PATH) == "postgres"


def test_the_record_of_a_live_object_is_what_it_has_now():
    """It was never written by keyturn."""
    live = make_live_object(
        make_state_entry(make_desired(connection_address("c")), "conn_1"), fields={REFERENCE: ID}
    )
    record = make_comparer().record_live(live)
    assert (record.applied, record.observed, record.references) == (EMPTY, {REFERENCE: ID}, {A: {REFERENCE}})
    assert differences({HOST: "db"}, NO_RECORD) == (HOST,)
