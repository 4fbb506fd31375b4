"""The floor and the plain requests of the benchmarks: all pages are fetched, all responses are read."""

import subprocess
import sys
from pathlib import Path

import pytest
import raw_requests
import sample_repository
import service

FLOOR = Path(raw_requests.__file__).with_name("floor.py")


@pytest.fixture(scope="module")
def emulator():
    """Return an emulator in a process of its own, as the benchmarks use it."""
    with service.start_emulator() as running:
        yield running


def list_paths(emulator, since):
    """Return the paths of the list requests since request ``since``."""
    lists = ("/api/credentials", "/api/connections")
    return [request["path"] for request in emulator.list_requests()[since:] if request["path"] in lists]


def test_the_floor_reads_the_same_pages_as_a_plan(emulator, tmp_path, run):
    """The floor reads all pages of a list, as a plan does."""
    repository = sample_repository.write_repository(tmp_path / "repository", 24, emulator.base_url)
    emulator.seed_objects(
        credentials=[
            {"name": f"c{number}", "type": "password", "config": {"password": "x" * 8}}
            for number in range(1100)
        ]
    )
    before = len(emulator.list_requests())
    argv = [sys.executable, FLOOR, "manifests", emulator.base_url]
    env = {"PLANASONIX_API_KEY": sample_repository.API_KEY}
    subprocess.run(argv, check=True, cwd=repository.root, env=env)
    floor = list_paths(emulator, before)
    before = len(emulator.list_requests())
    result = run("plan", cwd=repository.root, env=repository.environment)
    assert result.code == 0
    assert sorted(floor) == sorted(list_paths(emulator, before))
    assert floor.count("/api/credentials") == 3


def test_all_raw_requests_are_sent(emulator):
    """The emulator receives every request, over any number of connections."""
    before = len(emulator.list_requests())
    assert raw_requests.time_requests(emulator.base_url, "/api/organization", 10, 4) > 0
    assert len(emulator.list_requests()) == before + 10
    assert raw_requests.read_processor_seconds(emulator.pid) > 0
