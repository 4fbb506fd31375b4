"""Names of manifests for live objects."""

import random

import pytest

from keyturn.model.address import Address
from keyturn.model.resource import LiveObject
from keyturn.schema.manifest_names import MAX_NAME_LENGTH, choose_names, convert_name, is_manifest_name


def live(name, id_="", type_="snowflake", kind="credential"):
    """Return a live object."""
    return LiveObject(
        address=Address(kind, name), id=id_ or name, type=type_, fields={}, created_at="", updated_at=""
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Prod Snowflake (reader)", "prod-snowflake-reader"),
        ("PROD-db", "prod-db"),
        ("  Café (Größe)  ", "cafe-grosse"),
        ("prod/db\\eu", "prod-db-eu"),
        ("..Prod..db..", "prod..db"),
        ("\uff30\uff32\uff2f\uff24 \uff11", "prod-1"),
        ("日本", "snowflake"),
        ("İstanbul", "istanbul"),
        ("a" * 150, "a" * MAX_NAME_LENGTH),
        ("-" * 3, "snowflake"),
        ("prod-db", "prod-db"),
        ("line\nbreak\x1b[31m", "line-break-31m"),
    ],
)
def test_a_name_is_converted(name, expected):
    """Letters stay as far as possible."""
    assert convert_name(name, "snowflake") == expected


def test_every_converted_name_is_valid():
    """Random characters of all planes."""
    choose = random.Random(20261128)
    for _ in range(3000):
        name = "".join(chr(choose.choice([*range(32, 127), *range(160, 0x2FFF), 0x1F600])) for _ in range(8))
        assert is_manifest_name(convert_name(name, "日本"))


def test_equal_results_get_numbers():
    """A valid name stays with its object; the order of the list does not matter."""
    objects = [live("Prod DB"), live("PROD-db"), live("prod-db"), live("prod db", kind="connection")]
    expected = {
        "prod-db": Address("credential", "prod-db"),
        "PROD-db": Address("credential", "prod-db-2"),
        "Prod DB": Address("credential", "prod-db-3"),
        "prod db": Address("connection", "prod-db"),
    }
    for _ in range(4):
        random.Random(1).shuffle(objects)
        assert choose_names(objects, ()) == expected


def test_a_taken_name_is_not_used_again():
    """A manifest or a state entry has it."""
    taken = [Address("credential", "prod-db"), Address("credential", "prod-db-2")]
    assert choose_names([live("Prod DB")], taken) == {"Prod DB": Address("credential", "prod-db-3")}


def test_a_long_name_has_place_for_its_number():
    """The number is part of the 100 characters."""
    long = "X" * MAX_NAME_LENGTH
    (address,) = choose_names([live(long)], [Address("credential", long.lower())]).values()
    assert address.name.endswith("x-2")
    assert is_manifest_name(address.name)
