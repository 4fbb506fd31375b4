"""What is kept of one object."""

from planasonix_emulator.records import Ids, written


def test_ids_look_like_ulids_in_order():
    """Ids have the prefix of their kind and 26 characters, and sort by creation."""
    ids = Ids()
    made = [ids.next("credentials") for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(each.startswith("cred_") and len(each) == 31 for each in made)
    assert ids.next("connections").startswith("conn_")


def test_plain_settings_are_kept_as_text(record):
    """Settings survive as compact JSON."""
    made = record(config=written({"host": "ü", "port": 1}))
    assert made.config == '{"host":"ü","port":1}'
    assert made.plain() == {"host": "ü", "port": 1}
    assert made.active
    assert not record(status="deleted").active
