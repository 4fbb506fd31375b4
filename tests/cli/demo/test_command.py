"""keyturn demo."""

from click.testing import CliRunner

from keyturn.cli.demo import scenario
from keyturn.cli.demo.command import demo_command


def test_the_story_is_told_in_a_folder_of_its_own(tmp_path, monkeypatch):
    """A temporary one, or the one that is named and kept."""
    told = []
    monkeypatch.setattr(
        scenario, "run_demo", lambda folder, colour: told.append((folder, folder.is_dir(), colour))
    )
    assert CliRunner().invoke(demo_command, [], obj=False).exit_code == 0
    assert CliRunner().invoke(demo_command, ["--keep", str(tmp_path / "kept")], obj=True).exit_code == 0
    (first, was_there, plain), (second, *_) = told
    assert was_there
    assert plain is False
    assert not first.exists()
    assert second == tmp_path / "kept"
    assert second.is_dir()
