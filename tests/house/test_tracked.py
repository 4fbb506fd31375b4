"""What git holds: no machine, no index, nothing large, no moving action."""

import re

import pytest

from sources import ROOT, list_tracked_files

LARGEST = 1_000_000
HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "proxy.golang" + ".org",
    "crates" + ".io",
)
INDEX = re.compile(
    "|".join(re.escape(host) for host in HOSTS) + "|deb" + r"\.debian\.org|--(?:extra-)?index-url "
)
MACHINE = re.compile(r"(?<![\w.])/(?:" + "work|farm|root|Users" + r")/\w|/home/(?!user\b|runner\b)\w")
ACTION = re.compile(r"^\s*(?:- )?uses:\s*([\w./-]+)@(\S+)", re.MULTILINE)


def texts():
    """Yield each text file with its lines."""
    for path in list_tracked_files():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            yield path.relative_to(ROOT).as_posix(), data.decode("utf-8")


def matches(pattern):
    """Return where a pattern occurs."""
    return [
        f"{name}:{number}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_index_is_named():
    """No file names a package index: whoever installs chooses it."""
    assert matches(INDEX) == []


def test_no_machine_is_named():
    """No file holds a path of somebody's machine."""
    assert matches(MACHINE) == []


def test_nothing_is_large():
    """No file is larger than a megabyte."""
    assert {
        str(path): path.stat().st_size for path in list_tracked_files() if path.stat().st_size > LARGEST
    } == {}


def test_no_merge_markers():
    """No file holds what a merge left behind."""
    assert matches(re.compile("^(" + "<" * 7 + " |" + ">" * 7 + " |" + "=" * 7 + "$)")) == []


def test_actions_are_pinned():
    """A workflow names an action by its full commit, which cannot move."""
    loose = [
        f"{name}: {action}@{revision}"
        for name, text in texts()
        if name.endswith((".yml", ".yaml"))
        for action, revision in ACTION.findall(text)
        if not re.fullmatch("[0-9a-f]{40}", revision)
    ]
    assert loose == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (INDEX, "see https://pypi" + ".org/simple"),
        (INDEX, "--extra-index" + "-url x"),
        (MACHINE, 'cd "/root' + '/x"'),
        (MACHINE, "/home/" + "someone/x"),
    ],
)
def test_patterns_find(pattern, line):
    """The patterns find what they are for."""
    assert pattern.search(line)
