"""The state's address."""

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
    """Relative addresses begin at the project's root, wherever the command is run."""
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
def test_another_address_is_refused(tmp_path, refused, url):
    """Nothing is guessed, and an address that holds a secret is not repeated."""
    with refused("KT603") as found:
        open_store(url, tmp_path, {})
    assert "canary" not in repr(found)
    assert "file:.keyturn/prod" in found[0].hint


def test_a_folder_does_not_pay_for_buckets():
    """The libraries of the object services are not even imported for a folder."""
    script = (
        "import sys; from pathlib import Path; from keyturn.state.stores import open_store\n"
        "open_store('file:a', Path('/'), {}).read('b')\n"
        "print(*(m for m in ('obstore', 'asyncio', 'keyturn.state.stores.object_store') if m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"
