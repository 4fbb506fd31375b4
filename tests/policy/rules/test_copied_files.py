"""Encrypted files that are copies of one another."""

from keyturn.policy.rules.copied_files import pair_equal_data_keys
from sample_policies import list_places, make_view, run_policy_rules

TEXT = """\
kind: credential
name: prod-x
type: database
labels: {environment: prod, system: x, owner: data}
config: {host: db.example.com}
secrets: {password: ENC}
"""
KEY = frozenset({"key"})


def test_files_are_paired_through_a_third_one():
    """A common wrapped key here and a common ciphertext there mean one data key for all three."""
    traces = {
        "a": frozenset({"1"}),
        "b": frozenset({"1", "2"}),
        "c": frozenset({"2"}),
        "d": frozenset({"3"}),
        "e": frozenset(),
        "f": frozenset(),
    }
    assert pair_equal_data_keys(traces) == {"b": "a", "c": "a"}


def test_an_exact_copy_shares_a_data_key_and_is_not_edited():
    """The same values elsewhere have a valid MAC."""
    copy = make_view(TEXT, file="manifests/staging/prod-x.yaml", key_traces=KEY, mac_trace="mac")
    found = run_policy_rules(make_view(TEXT, key_traces=KEY, mac_trace="mac"), copy)
    assert list_places("KT377", found) == ["prod-x:6:1"]
    assert list_places("KT378", found) == []


def test_an_edited_copy_has_one_error_and_no_warning():
    """The error includes the warning."""
    copy = make_view(
        TEXT.replace("db.example", "other.example"), file="m/b.yaml", key_traces=KEY, mac_trace="mac"
    )
    found = run_policy_rules(make_view(TEXT, key_traces=KEY, mac_trace="mac"), copy)
    assert list_places("KT377", found) == []
    assert len(list_places("KT378", found)) == 1


def test_files_of_their_own_are_accepted():
    """Each has its own key and MAC."""
    other = make_view(TEXT.replace("prod-x", "prod-y"), key_traces=frozenset({"other"}), mac_trace="other")
    found = run_policy_rules(make_view(TEXT, key_traces=KEY, mac_trace="mac"), other)
    assert [each.code for each in found if each.code in ("KT377", "KT378")] == []
