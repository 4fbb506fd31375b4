"""Stored records and their normalisation."""

import pytest

from planasonix_emulator.storage.records import IdGenerator, format_config, normalise_config
from planasonix_emulator.storage.secret_log import digest_secret


def test_ids_look_like_ulids_in_order():
    """Ids have the prefix of their kind and 26 characters, and sort by creation."""
    ids = IdGenerator()
    made = [ids.next_id("credentials") for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(each.startswith("cred_") and len(each) == 31 for each in made)
    assert ids.next_id("connections").startswith("conn_")


def test_plain_settings_are_kept_as_text(record):
    """Plain values are stored as compact JSON."""
    made = record(config=format_config({"host": "ü", "port": 1}))
    assert made.config == '{"host":"ü","port":1}'
    assert made.plain_config() == {"host": "ü", "port": 1}
    assert made.is_active
    assert not record(status="deleted").is_active


CONFIG = {"host": " DB.Example ", "port": "5432", "tags": ["b", "a"], "deep": {"x": " y "}}


@pytest.mark.parametrize(
    ("ways", "changed"),
    [
        ((), {}),
        (("trim",), {"host": "DB.Example", "deep": {"x": "y"}}),
        (("lower",), {"host": " db.example "}),
        (("trim", "lower"), {"host": "db.example", "deep": {"x": "y"}}),
        (("numbers",), {"port": 5432}),
        (("order",), {"tags": ["a", "b"]}),
        (("defaults",), {"sslMode": "prefer", "schema": "public"}),
    ],
)
def test_each_way(ways, changed):
    """Each normalisation changes only its own values."""
    assert normalise_config("postgres", CONFIG, ways) == CONFIG | changed


def test_keys_may_be_sorted():
    """The normalisation `order` sorts the keys."""
    assert list(normalise_config("", CONFIG, ("order",))) == ["deep", "host", "port", "tags"]


@pytest.mark.parametrize("text", ["007", "1e3", "", "1.5", "9" * 40])
def test_only_plain_numbers_are_read(text):
    """Text that is not the normal form of a number stays text."""
    assert normalise_config("", {"a": text}, ("numbers",)) == {"a": text}


def test_secrets_are_never_normalised(start, canary):
    """Secrets are never normalised."""
    api = start(normalise=["trim", "lower", "defaults", "order", "numbers"])
    secret = f" {canary().upper()} "
    api.credential(config={"host": " DB ", "password": secret})
    held = api.held("prod-db")
    assert held["config"] == {"connect_timeout": 10, "host": "db"}
    assert held["secrets"] == {"password": digest_secret("s", secret)}
