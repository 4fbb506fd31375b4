"""In a workspace with a key, a secret goes only where a key holder sealed it."""

import re
import subprocess

import pytest

from cli_in_process import run_in_process
from planasonix_emulator.server import Emulator
from workspace import SOPS

EVIL = "evil.example.net"
API_CREDENTIAL = """kind: credential
name: prod-api
type: api_key
labels: {environment: prod, system: api, owner: data}
"""
API_CONNECTION = """kind: connection
name: prod-api
type: rest_api
labels: {environment: prod, system: api, owner: data}
credential: prod-api
config:
  baseUrl: https://api.vendor.example
"""
MYSQL_CONNECTION = f"""kind: connection
name: prod-api
type: mysql
labels: {{environment: prod, system: api, owner: data}}
credential: prod-warehouse
config:
  host: {EVIL}
"""


class Team:
    """A new repository with an applied example, its service, and its key holder."""

    def __init__(self, ground, age_key, service, canary) -> None:
        self.root, self.service, self.canary = ground / "repo", service, canary
        self.age_key = str(age_key.file)
        (ground / "home").mkdir()
        self.environment = {
            "PATH": f"{SOPS.rpartition('/')[0]}:/usr/bin:/bin",
            "HOME": str(ground / "home"),
            "SOPS_AGE_KEY_FILE": str(age_key.file),
            "PLANASONIX_API_KEY": service.key,
        }
        self.root.mkdir()
        self.expect(0, "init", "--organization", service.organization, "--base-url", service.base_url)
        self.set_secret("prod-warehouse", "password")
        self.git("init", "-q")
        self.commit()
        self.expect(0, "apply", "--yes", "--no-test")

    def run(self, *words, stdin=""):
        """Run keyturn as the key holder."""
        return run_in_process(words, cwd=self.root, env=self.environment, stdin=stdin)

    def expect(self, code, *words, stdin=""):
        """Run keyturn and require an exit code; return what it prints, in one line."""
        done = self.run(*words, stdin=stdin)
        assert done.code == code, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def set_secret(self, name, field):
        """Set a new secret."""
        return self.expect(0, "secret", "set", name, field, stdin=self.canary())

    def git(self, *words):
        """Run git."""
        subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True)

    def commit(self):
        """Commit everything: what anybody who can merge does."""
        self.git("add", "-A")
        self.git("commit", "-qm", "x")

    def write(self, kind, name, text):
        """Write a manifest."""
        path = self.root / f"manifests/prod/{kind}s/{name}.yaml"
        path.write_text(text)
        return path

    def edit(self, kind, name, old, new):
        """Replace a text of a manifest."""
        path = self.root / f"manifests/prod/{kind}s/{name}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def live_configs(self):
        """Return the settings of all live connections."""
        return [each["config"] for each in self.service.read_state()["connections"]]

    def assert_refused(self, *expected):
        """Assert that plan and apply refuse with a new destination, and that nothing was sent."""
        before = self.service.read_state()
        for words in (["plan", "--fail-on", "exposure"], ["apply", "--yes", "--no-test"]):
            text = self.expect(5, *words)
            for word in ("KT451", *expected):
                assert word in text
        assert self.service.read_state() == before
        assert not any(EVIL in str(config) for config in self.live_configs())


@pytest.fixture
def team(tmp_path, age_key, canary):
    """Return a team with a running service."""
    with Emulator.start() as service:
        yield Team(tmp_path, age_key, service, canary)


def test_who_makes_a_credential_seals_its_connections(team):
    """`secret set` of a new credential seals the connections that use it, and says where they lead."""
    team.write("credential", "prod-api", API_CREDENTIAL)
    path = team.write("connection", "prod-api", API_CONNECTION)
    text = team.set_secret("prod-api", "api_key")
    assert "sealed connection/prod-api for" in text
    assert "config.baseUrl: https://api.vendor.example" in text
    assert re.search(r"(?m)^seal:$", path.read_text())
    team.commit()
    team.expect(0, "apply", "--yes", "--no-test")
    assert {"baseUrl": "https://api.vendor.example"} in team.live_configs()


def test_a_connection_to_the_host_of_its_credential_needs_no_seal(team):
    """The credential states the destination, and its own seal covers it."""
    example = (team.root / "manifests/prod/connections/prod-warehouse.yaml").read_text()
    team.write("connection", "prod-second", example.replace("prod-warehouse\ntype", "prod-second\ntype"))
    team.commit()
    team.expect(0, "apply", "--yes", "--no-test")
    assert len(team.live_configs()) == 2


def test_a_rotation_does_not_carry_a_moved_host(team):
    """A colleague moves the host; a key holder rotates as usual: the new secret stays here, too."""
    team.edit("connection", "prod-warehouse", "db.example.com", EVIL)
    team.commit()
    team.assert_refused("keyturn seal connection/prod-warehouse --reason")
    text = team.set_secret("prod-warehouse", "password")
    assert "sealed connection" not in text
    team.commit()
    team.assert_refused("keyturn seal connection/prod-warehouse --reason")


def test_a_new_connection_does_not_ride_along(team):
    """It uses an existing credential at another host."""
    team.write("connection", "prod-api", MYSQL_CONNECTION)
    team.commit()
    team.assert_refused("keyturn seal connection/prod-api --reason")
    team.set_secret("prod-warehouse", "password")
    team.commit()
    team.assert_refused()


def test_a_copied_seal_is_none(team):
    """A seal of another connection, or of another destination, approves nothing."""
    team.expect(0, "seal", "connection/prod-warehouse")
    team.commit()
    sealed = (team.root / "manifests/prod/connections/prod-warehouse.yaml").read_text()
    second = sealed.replace("prod-warehouse\ntype", "prod-second\ntype").replace("db.example.com", EVIL)
    team.write("connection", "prod-second", second)
    team.commit()
    team.assert_refused("keyturn seal connection/prod-second --reason")
    (team.root / "manifests/prod/connections/prod-second.yaml").unlink()
    team.edit("connection", "prod-warehouse", "db.example.com", EVIL)
    team.commit()
    team.assert_refused("keyturn seal connection/prod-warehouse --reason")


def test_a_key_holder_seals_a_move(team):
    """With a reason, once; then the apply goes through, also for somebody else."""
    team.edit("connection", "prod-warehouse", "db.example.com", "db2.example.com")
    team.commit()
    team.assert_refused()
    text = team.expect(0, "seal", "connection/prod-warehouse", "--reason", "new cluster", "--yes")
    assert "sealed manifests/prod/connections/prod-warehouse.yaml" in text
    team.commit()
    team.expect(0, "apply", "--yes", "--no-test")
    assert team.live_configs()[0]["host"] == "db2.example.com"
    team.expect(0, "plan", "--detailed-exitcode")


def test_a_move_in_the_ui_is_not_sealed(team):
    """The seal is for what the manifest says, not for what somebody made live."""
    team.expect(0, "seal", "connection/prod-warehouse")
    team.service.edit_in_ui("connections", "prod-warehouse", config={"host": "other.example.net"})
    team.set_secret("prod-warehouse", "password")
    team.commit()
    text = team.expect(2, "plan", "--detailed-exitcode")  # the apply reverts the host before it rotates
    assert "config.host" in text
    assert "1 to update, 1 to rotate" in text


def test_an_offline_plan_judges_seals_without_a_key(team):
    """The reviewer of a pull request sees what an apply would refuse, and what a key holder sealed."""
    team.environment["SOPS_AGE_KEY_FILE"] = "/dev/null"
    del team.environment["PLANASONIX_API_KEY"]
    team.edit("connection", "prod-warehouse", "db.example.com", "db2.example.com")
    words = ["plan", "--offline", "--base", "HEAD", "--fail-on", "exposure"]
    assert "KT451" in team.expect(5, *words)
    team.environment["SOPS_AGE_KEY_FILE"] = team.age_key
    team.expect(0, "seal", "connection/prod-warehouse", "--reason", "new cluster", "--yes")
    team.environment["SOPS_AGE_KEY_FILE"] = "/dev/null"
    team.expect(0, *words)
    team.edit("connection", "prod-warehouse", "db2.example.com", EVIL)
    text = team.expect(5, *words)
    assert "KT263" in text
    (team.root / "keyturn.yaml").write_text(
        (team.root / "keyturn.yaml").read_text().replace(team.service.organization, "org_other")
    )
    assert "KT261" in team.expect(5, *words)


def test_a_replaced_key_is_seen_in_an_offline_plan(team):
    """Whose seals everybody would verify with the key of the same pull request."""
    file = team.root / ".keyturn/keys/prod.yaml"
    mine = file.read_text()
    file.unlink()
    words = ["plan", "--offline", "--base", "HEAD", "--fail-on", "exposure"]
    assert "is removed; in the base, it is SHA256:" in team.expect(5, *words)
    home = team.environment["HOME"]
    team.environment["HOME"] = ""
    team.expect(0, "key", "create")
    team.edit("connection", "prod-warehouse", "db.example.com", EVIL)
    team.environment["HOME"] = home
    assert "KT260" in team.expect(5, *words)
    assert "KT260" in team.expect(5, "apply", "--yes")
    file.write_text(mine)
    assert "KT260" not in team.expect(5, *words)
