"""What the floors of the benchmarks rest on: every page is fetched, and every answer read to its end."""

import subprocess
import sys
from pathlib import Path

import bare
import fleet
import pytest
import service

FLOOR = Path(bare.__file__).with_name("floor.py")


@pytest.fixture(scope="module")
def emulator():
    """Return an emulator in a process of its own, as the benchmarks use it."""
    with service.emulator() as running:
        yield running


def pages(emulator, since):
    """Return the paths of the pages of lists that were asked for since request ``since``."""
    lists = ("/api/credentials", "/api/connections")
    return [each["path"] for each in emulator.list_requests()[since:] if each["path"] in lists]


def test_the_floor_reads_the_same_pages_as_a_plan(emulator, tmp_path, run):
    """A list of several pages is followed to its end: the same pages as a plan reads."""
    small = fleet.write(tmp_path / "repository", 24, emulator.base_url)
    emulator.seed_objects(
        credentials=[
            {"name": f"c{number}", "type": "password", "config": {"password": "x" * 8}}
            for number in range(1100)
        ]
    )
    before = len(emulator.list_requests())
    words = [sys.executable, FLOOR, "manifests", emulator.base_url]
    env = {"PLANASONIX_API_KEY": fleet.KEY}
    subprocess.run(words, check=True, cwd=small.root, env=env)
    floor = pages(emulator, before)
    before = len(emulator.list_requests())
    ended = run("plan", cwd=small.root, env=small.environment)
    assert ended.code == 0
    assert sorted(floor) == sorted(pages(emulator, before))
    assert floor.count("/api/credentials") == 3


def test_bare_requests_are_all_sent(emulator):
    """As many requests as were asked for arrive, however many connections they share."""
    before = len(emulator.list_requests())
    assert bare.seconds(emulator.base_url, "/api/organization", 10, 4) > 0
    assert len(emulator.list_requests()) == before + 10
    assert bare.processor_seconds(emulator.pid) > 0
