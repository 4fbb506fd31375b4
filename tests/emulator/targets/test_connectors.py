"""The connectors."""

from planasonix_emulator.targets.connectors import CONNECTORS, find_missing_settings, is_known_type


def test_ids_are_plain_words():
    """Ids are lower-case words, each once."""
    assert len(CONNECTORS) > 50
    assert all(each == each.lower() and " " not in each for each in CONNECTORS)
    assert is_known_type("azure_blob")
    assert not is_known_type("Azure Blob")


def test_only_documented_settings_are_required():
    """Some connectors require one setting; others and unknown ones require none."""
    assert find_missing_settings("postgres", {"port": 5432}) == ("host",)
    assert find_missing_settings("s3", {"bucket": ""}) == ("bucket",)
    assert find_missing_settings("snowflake", {"account": "a"}) == ()
    assert find_missing_settings("kafka", {}) == find_missing_settings("no_such", {}) == ()
