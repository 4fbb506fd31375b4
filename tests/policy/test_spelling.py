"""Names compared as a reader would."""

from keyturn.policy.spelling import fold, names_of


def test_case_and_separators_do_not_make_another_name():
    """One field, four spellings."""
    assert {fold(name) for name in ("sslMode", "ssl_mode", "SSL-Mode", "ssl.mode")} == {"sslmode"}


def test_a_path_goes_by_its_last_key_and_its_last_two():
    """A single key has but itself."""
    assert names_of(("config", "tls", "Mode")) == ("mode", "tlsmode")
    assert names_of(("name",)) == ("name",)
