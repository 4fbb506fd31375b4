"""The command line."""

import json
import os
import signal
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner

from planasonix_emulator.__main__ import main
from planasonix_emulator.testing.control_client import ControlClient


@pytest.fixture
def launch():
    """Start emulators in other processes and stop them."""
    begun = []

    def begin(*arguments, **environment):
        command = [sys.executable, "-m", "planasonix_emulator", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=os.environ | environment, **pipes)
        begun.append(process)
        lines = []
        while not lines or not lines[-1].startswith("listening on "):
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        return process, lines

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def test_it_runs_until_a_signal(launch, tmp_path):
    """The emulator prints its address, reads its files, and stops at once on SIGTERM."""
    (tmp_path / "targets.json").write_text('[{"type": "s3", "outcome": "tls"}]')
    (tmp_path / "faults.json").write_text('[{"kind": "status_before", "at": 2}]')
    (tmp_path / "settings.json").write_text('{"page_size": 7}')
    process, lines = launch(
        *("--key", "k", "--organization", "org_x", "--control", "t", "--dialect", "jsonapi"),
        *("--database", tmp_path / "a.db", "--encryption-key", tmp_path / "a.key", "--latency-ms", "1"),
        *("--targets", tmp_path / "targets.json", "--faults", tmp_path / "faults.json"),
        *("--settings", tmp_path / "settings.json", "--set", "extra_fields=true", "--set", "plan=starter"),
    )
    assert len(lines) == 1
    url = lines[0].removeprefix("listening on ").strip()
    with httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, trust_env=False) as client:
        assert client.get("/api/organization").json()["data"]["id"] == "org_x"
        assert client.get("/api/organization").status_code == 500
        test = client.post("/api/connections/test", json={"type": "s3", "config": {"bucket": "b"}})
        assert "certificate" in test.text
    remote = ControlClient(url, "t")
    settings = remote.read_settings()
    remote.close()
    assert (settings["dialect"], settings["page_size"], settings["plan"]) == ("jsonapi", 7, "starter")
    assert (settings["extra_fields"], settings["latency_ms"]) == (True, 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert process.communicate() == ("", "")


def test_key_and_token_may_come_from_the_environment(launch):
    """The API key can come from the environment; a generated key is printed."""
    _, lines = launch(PLANASONIX_EMULATOR_KEY="from-env")
    url = lines[0].removeprefix("listening on ").strip()
    answer = httpx.get(
        f"{url}/api/organization", headers={"Authorization": "Bearer from-env"}, trust_env=False
    )
    assert answer.status_code == 200
    _, lines = launch()
    assert lines[0].startswith("key plnx_test_")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dialect", "soap"], "soap"),
        (["--set", "page_size=0"], "page_size"),
        (["--set", "no_such=1"], "no_such"),
        (["--port", "99999"], "port"),
        (["--settings", "absent.json"], "absent.json"),
    ],
)
def test_invalid_options_are_reported(arguments, words):
    """An invalid option ends the command with a message and without a traceback."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("content", ["{", "[1]", json.dumps({"a": 1})])
def test_invalid_files_are_reported(tmp_path, content):
    """A file of targets or faults that is not valid ends the command with a message."""
    file = tmp_path / "file.json"
    file.write_text(content)
    for option in ("--targets", "--faults"):
        result = CliRunner().invoke(main, [option, str(file)])
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
