"""Addresses of stores."""

import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.state.stores import open_store


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:.keyturn/prod", "ROOT/.keyturn/prod"),
        ("file:./state/", "ROOT/state"),
        ("file:/var/lib/keyturn/prod", "/var/lib/keyturn/prod"),
    ],
)
def test_a_folder_is_below_the_project_or_absolute(tmp_path, url, path):
    """A relative address starts at the root of the project, not at the working folder."""
    assert open_store(url, tmp_path, {}).path == Path(path.replace("ROOT", str(tmp_path)))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:",
        "file:.",
        "file:/",
        "file:../elsewhere",
        "file:a/../../b",
        "file://host/share",
        ".keyturn/prod",
        "http://state.example.com/",
        "s3:bucket",
        "s3://",
        "s3:///prefix",
        "s3://key:canary@bucket/prefix",
        "az://container/prefix?sig=canary",
        "gs://bucket/a#canary",
        "s3://bucket/../b",
        "s3://[bucket/a",
    ],
)
def test_an_invalid_address_is_refused(tmp_path, assert_refused, url):
    """An address that contains a secret is not repeated."""
    with assert_refused("KT603") as found:
        open_store(url, tmp_path, {})
    assert "canary" not in repr(found)
    assert "file:.keyturn/prod" in found[0].hint


def test_a_folder_store_does_not_import_obstore():
    """The import takes 15 ms."""
    script = (
        "import sys; from pathlib import Path; from keyturn.state.stores import open_store\n"
        "open_store('file:a', Path('/'), {}).read('b')\n"
        "print(*(m for m in ('obstore', 'asyncio', 'keyturn.state.stores.object_store') if m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"
