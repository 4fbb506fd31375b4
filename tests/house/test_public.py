"""The public API: documented names, imported from the module that defines them, typed for programs."""

import inspect
from importlib import import_module
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from keyturn import public
from sources import ROOT

PAGE = (ROOT / "docs/reference/library.md").read_text(encoding="utf-8")
MOST_NAMES = 80


@pytest.mark.parametrize("name", public.__all__)
def test_a_public_name_is_documented(name):
    """Each name is defined by keyturn, has a docstring, and stands in docs/reference/library.md."""
    value = getattr(public, name)
    assert value.__module__.startswith("keyturn.")
    assert getattr(import_module(value.__module__), name) is value
    assert inspect.getdoc(value)
    assert f"| `{name}`" in PAGE or f"| `{name}(" in PAGE


def test_the_list_is_whole():
    """What is imported is listed, in order, and no name is private."""
    imported = {
        name for name, value in vars(public).items() if hasattr(value, "__module__") and name[0] != "_"
    }
    assert sorted(imported) == sorted(public.__all__)
    assert len(public.__all__) <= MOST_NAMES


def test_the_wheel_is_typed(tmp_path):
    """The marker of a typed package and the data files reach whoever installs keyturn."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"keyturn/py.typed", "keyturn/public.py", "keyturn/catalog/codes.toml"} <= names
