"""Trusted key IDs: the variable of a job, or the file of a person."""

import pytest

from keyturn.project.known_keys import add_known_key, find_known_keys_file, list_known_key_ids


def test_the_variable_names_the_key_of_each_workspace():
    """One ID is that of any workspace; named ones belong to theirs."""
    assert list_known_key_ids({"KEYTURN_KEY_ID": "SHA256:a"}, "prod", "org") == {"SHA256:a"}
    both = {"KEYTURN_KEY_ID": "prod=SHA256:a+/  staging=SHA256:b"}
    assert list_known_key_ids(both, "prod", "org") == {"SHA256:a+/"}
    assert list_known_key_ids(both, "staging", "org") == {"SHA256:b"}
    assert list_known_key_ids(both, "dev", "org") == set()


def test_the_file_names_keys_by_organization(tmp_path):
    """A line may have a comment; a key of another organization is not trusted."""
    environment = {"HOME": str(tmp_path)}
    assert list_known_key_ids(environment, "prod", "org_a") == set()
    path = add_known_key(environment, "org_a", "SHA256:a")
    add_known_key(environment, "org_b", "SHA256:b")
    path.write_text(path.read_text() + "# comment\n\norg_a SHA256:c # of the other team\nodd\n")
    assert list_known_key_ids(environment, "prod", "org_a") == {"SHA256:a", "SHA256:c"}
    assert list_known_key_ids(environment, "prod", "org_b") == {"SHA256:b"}
    assert path == tmp_path / ".config/keyturn/known_keys"
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_text_trusts_nothing_more(tmp_path):
    """A damaged line names no key; the other lines count."""
    environment = {"HOME": str(tmp_path)}
    path = add_known_key(environment, "org", "SHA256:a")
    path.write_bytes(b"\xff\xfe org\n" + path.read_bytes())
    assert list_known_key_ids(environment, "prod", "org") == {"SHA256:a"}


def test_the_variable_has_priority(tmp_path):
    """A job with a variable does not read the file of its runner."""
    environment = {"HOME": str(tmp_path)}
    add_known_key(environment, "org", "SHA256:file")
    assert list_known_key_ids({**environment, "KEYTURN_KEY_ID": "SHA256:job"}, "prod", "org") == {
        "SHA256:job"
    }


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/h"}, "/h/.config/keyturn/known_keys"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/keyturn/known_keys"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "/h/.config/keyturn/known_keys"),
        ({}, "None"),
        ({"HOME": "h"}, "None"),
    ],
)
def test_the_file_lies_in_the_configuration_folder(environment, expected):
    """Relative paths are ignored."""
    assert str(find_known_keys_file(environment)) == expected


def test_without_a_home_nothing_is_stored():
    """A process without a home keeps no file."""
    assert add_known_key({}, "org", "SHA256:a") is None


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path):
    """Another file is never appended to."""
    folder = tmp_path / ".config/keyturn"
    folder.mkdir(parents=True)
    (tmp_path / "target").write_text("")
    (folder / "known_keys").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="known_keys"):
        add_known_key({"HOME": str(tmp_path)}, "org", "SHA256:a")
    assert (tmp_path / "target").read_text() == ""
