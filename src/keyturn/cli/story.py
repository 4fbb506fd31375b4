"""The story that the demo tells, one command after the other."""

from pathlib import Path

from keyturn.cli.stage import DEMO_ORGANIZATION, DemoRunner, open_demo

LAKE_CREDENTIAL = """\
kind: credential
name: prod-lake
type: aws
labels: {environment: prod, system: lake, owner: data-platform}
config:
  role_arn: arn:aws:iam::123456789012:role/planasonix-reader
  region: eu-central-1
"""

LAKE_CONNECTION = """\
kind: connection
name: prod-lake
type: s3
labels: {environment: prod, system: lake, owner: data-platform}
credential: prod-lake
config:
  bucket: acme-landing
  region: eu-central-1
"""


def run_demo(folder: Path, color: bool) -> None:
    """Tell the whole story in ``folder``; raises where a command does not end as it should."""
    with open_demo(folder, color) as scene:
        _show_setup(scene)
        _show_drift(scene)
        _show_rotation(scene)
        _show_retirement(scene)
        scene.print_step("That was the whole story. Yours begins with: keyturn init")


def _show_setup(scene: DemoRunner) -> None:
    scene.print_step("A new repository: an age key, rules, one credential with its connection")
    scene.run_command(f"keyturn init . --organization {DEMO_ORGANIZATION} --base-url {scene.base_url}")
    scene.print_step("A role for the data lake needs no secret at all; one more connection uses it")
    (scene.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE_CREDENTIAL)
    (scene.folder / "manifests/prod/connections/prod-lake.yaml").write_text(LAKE_CONNECTION)
    scene.print_step("The warehouse's password, from wherever you keep it, straight into SOPS")
    _set_database_passwords(scene, "first-password")
    scene.run_command("pass show warehouse | keyturn secret set prod-warehouse password", stdin="first-password")
    scene.run_command("keyturn validate")
    scene.run_command("keyturn plan")
    scene.run_command("keyturn apply --auto-approve")
    scene.print_step("Nothing is left to do, and no key is needed to know it")
    scene.run_command("keyturn plan --detailed-exitcode")


def _show_drift(scene: DemoRunner) -> None:
    scene.print_step("Somebody edits the connection in the UI")
    scene.control_client.edit_in_ui("connections", "prod-warehouse", config={"database": "scratch"})
    scene.run_command("keyturn plan --detailed-exitcode", expect=2)
    scene.run_command("keyturn apply --auto-approve")


def _show_rotation(scene: DemoRunner) -> None:
    scene.print_step(
        "A new password, with a typing mistake: it is tried on a probe before anything in use is touched"
    )
    scene.run_command("pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="secnod-password")
    scene.run_command("keyturn apply --auto-approve", expect=1)
    scene.print_step("The right one, which the database knows beside the old")
    _set_database_passwords(scene, "first-password", "second-password")
    scene.run_command("pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="second-password")
    scene.run_command("keyturn apply --auto-approve")


def _show_retirement(scene: DemoRunner) -> None:
    scene.print_step("The lake is no longer needed: its manifests go")
    scene.run_command("rm manifests/prod/credentials/prod-lake.yaml manifests/prod/connections/prod-lake.yaml")
    scene.run_command("keyturn apply --auto-approve", expect=5)
    scene.print_step("Two of four at once is more than the budget allows without a word; here is the word")
    scene.run_command("keyturn apply --auto-approve --allow-retire 2")
    scene.print_step("It was needed after all: the manifests come back, and so does the same object")
    (scene.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE_CREDENTIAL)
    (scene.folder / "manifests/prod/connections/prod-lake.yaml").write_text(LAKE_CONNECTION)
    scene.run_command("keyturn apply --auto-approve")
    scene.run_command("keyturn plan")


def _set_database_passwords(scene: DemoRunner, *passwords: str) -> None:
    warehouse = {
        "type": "postgres",
        "match": {"host": "db.example.com"},
        "accepts": {"password": list(passwords)},
        "server_version": "PostgreSQL 16.4",
    }
    scene.control_client.set_targets([warehouse])
