"""Names compared as a reader would."""

import pytest

from keyturn.policy.names import compute_edit_distance, normalize_field_names, normalize_name


def test_case_and_separators_do_not_make_another_name():
    """One field, four spellings."""
    assert {normalize_name(name) for name in ("sslMode", "ssl_mode", "SSL-Mode", "ssl.mode")} == {"sslmode"}


def test_a_field_has_the_name_of_its_last_key_and_last_two_keys():
    """A path of one key has one name."""
    assert normalize_field_names(("config", "tls", "Mode")) == ("mode", "tlsmode")
    assert normalize_field_names(("name",)) == ("name",)


@pytest.mark.parametrize(
    ("word", "other", "count"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("postgres", "postgres", 0),
        ("postgers", "postgres", 1),
        ("postgre", "postgres", 1),
        ("posttgres", "postgres", 1),
        ("pastgres", "postgres", 1),
        ("potsgers", "postgres", 2),
        ("ca", "abc", 3),
        ("kitten", "sitting", 3),
    ],
)
def test_edits_are_counted(word, other, count):
    """A swap of two letters is one edit, in both directions."""
    assert compute_edit_distance(word, other) == compute_edit_distance(other, word) == count
