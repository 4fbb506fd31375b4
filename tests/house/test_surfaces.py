"""The surfaces: table, stub and modules of a package say the same, and reach users typed."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from sources import ROOT, SRC, dotted, modules

PACKAGES = ("engine", "render")
MOST = {"engine": 60, "render": 20}
"""How many names a surface may have: more than can be read at once is none."""


def package(name):
    """Return a package that has a surface."""
    return import_module(f"keyturn.{name}")


def stub(name):
    """Return what a stub says: the module of each name, and the names of its ``__all__``."""
    tree = ast.parse((SRC / "keyturn" / name / "__init__.pyi").read_text())
    homes, offered = {}, []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name == alias.asname for alias in node.names), "a name keeps its name"
            homes |= {alias.name: node.module for alias in node.names}
        elif isinstance(node, ast.Assign) and dotted(node.targets[0]) == "__all__":
            offered = ast.literal_eval(node.value)
        else:
            pytest.fail(f"a stub imports and lists: {ast.unparse(node)}")
    return homes, offered


@pytest.mark.parametrize("name", PACKAGES)
def test_table_and_stub_agree(name):
    """Each name lives where the stub says; nothing is missing, nothing stands beside."""
    homes, offered = stub(name)
    assert homes == dict(package(name).HOMES)
    assert sorted(offered) == sorted(package(name).__all__) == dir(package(name)) == sorted(homes)


@pytest.mark.parametrize("name", PACKAGES)
def test_each_name_is_what_its_module_has(name):
    """The very object, made in that module and not merely imported there, and documented."""
    for each, home in package(name).HOMES.items():
        found = getattr(package(name), each)
        assert found is getattr(import_module(home), each)
        assert found.__module__ == home
        assert found.__doc__


@pytest.mark.parametrize("name", PACKAGES)
def test_no_name_is_that_of_a_module(name):
    """An imported submodule becomes an attribute of its package, and would stand in the name's place."""
    below = {module.name.rpartition(".")[2] for module in modules(f"keyturn/{name}")}
    assert below.isdisjoint(package(name).HOMES)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_surface_is_small(name):
    """It can be read at once, and holds no private name."""
    assert len(package(name).HOMES) <= MOST[name]
    assert not [each for each in package(name).HOMES if each.startswith("_")]


@pytest.mark.parametrize("name", PACKAGES)
def test_what_acts_is_used(name):
    """What the command line leaves to other programs are values for their decisions, no function."""
    used = {each for module in modules("keyturn/cli") for each in reached(module)}
    left = [each for each in package(name).HOMES if f"{name}.{each}" not in used]
    assert [each for each in left if inspect.isfunction(getattr(package(name), each))] == []


def reached(module):
    """Yield the names of surfaces that a module reaches, as ``engine.plan``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module in {f"keyturn.{name}" for name in PACKAGES}:
            yield from (f"{node.module.removeprefix('keyturn.')}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and dotted(node.value) in PACKAGES:
            yield dotted(node)


def test_a_surface_imports_nothing_before_it_is_asked():
    """Whoever needs one name waits for that one alone."""
    program = (
        "import sys; import keyturn.operations, keyturn.views; dir(keyturn.operations)\n"
        "print(*sorted(each for each in sys.modules if each.startswith('keyturn')))\n"
        "from keyturn.views import Style; print('keyturn.views.plan.builder' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "keyturn keyturn.operations keyturn.views keyturn.surface",
        "False",
    ]


def test_a_name_that_is_none_cannot_be_imported():
    """And the message names it."""
    program = "from keyturn.operations import carry_on"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot import name 'carry_on' from 'keyturn.operations'" in done.stderr


def test_the_wheel_is_typed(tmp_path):
    """The stubs and the mark of a typed package reach whoever installs it."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(wheel) as held:
        names = set(held.namelist())
    assert {"keyturn/py.typed", *(f"keyturn/{name}/__init__.pyi" for name in PACKAGES)} <= names
    assert {"keyturn/engine/__init__.py", "keyturn/surface.py", "keyturn/catalog/codes.toml"} <= names
