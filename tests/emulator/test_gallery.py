"""The connectors on offer."""

from planasonix_emulator.gallery import CONNECTORS, known_type, missing_settings


def test_ids_are_plain_words():
    """Ids are lower-case words, each once."""
    assert len(CONNECTORS) > 50
    assert all(each == each.lower() and " " not in each for each in CONNECTORS)
    assert known_type("azure_blob")
    assert not known_type("Azure Blob")


def test_only_documented_settings_are_insisted_on():
    """A few connectors want one setting; the others, and unknown ones, want none."""
    assert missing_settings("postgres", {"port": 5432}) == ("host",)
    assert missing_settings("s3", {"bucket": ""}) == ("bucket",)
    assert missing_settings("snowflake", {"account": "a"}) == ()
    assert missing_settings("kafka", {}) == missing_settings("no_such", {}) == ()
