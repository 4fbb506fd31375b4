"""Settings: names, values, files."""

import json
from dataclasses import fields

import pytest

from planasonix_emulator.settings import (
    CHOICES,
    EmulatorSettings,
    SettingsError,
    change_settings,
    read_settings,
    settings_to_json,
)


def test_defaults_are_among_the_choices():
    """The default of each setting with fixed values is one of them."""
    assert all(getattr(EmulatorSettings(), name) in values for name, values in CHOICES.items())


def test_settings_survive_json(tmp_path):
    """Settings written as JSON are read back equal."""
    settings = change_settings(
        EmulatorSettings(), {"normalise": ["trim"], "statuses": {"*": "odd"}, "page_size": 2, "latency_ms": 1}
    )
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings_to_json(settings)))
    assert read_settings(file) == settings
    assert len(settings_to_json(settings)) == len(fields(EmulatorSettings))


@pytest.mark.parametrize(
    "change",
    [
        {"no_such": 1},
        {"dialect": "soap"},
        {"create_status": True},
        {"page_size": "2"},
        {"page_size": 0},
        {"page_size": -1},
        {"page_size": 2.0},
        {"unique_names": 1},
        {"latency_ms": -1},
        {"latency_ms": True},
        {"hidden": "cred_1"},
        {"hidden": [1]},
        {"normalise": ["shout"]},
        {"statuses": []},
    ],
)
def test_invalid_input_is_rejected(change):
    """An unknown setting or an invalid value is rejected by name."""
    with pytest.raises(SettingsError, match=next(iter(change))):
        change_settings(EmulatorSettings(), change)


def test_a_file_holds_one_object(tmp_path):
    """A settings file must contain an object."""
    file = tmp_path / "settings.json"
    file.write_text("[]")
    with pytest.raises(SettingsError):
        read_settings(file)
