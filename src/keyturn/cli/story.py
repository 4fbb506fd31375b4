"""The story that the demo tells, one command after the other."""

from pathlib import Path

from keyturn.cli.stage import ORGANIZATION, Stage, stage

LAKE = """\
kind: credential
name: prod-lake
type: aws
labels: {environment: prod, system: lake, owner: data-platform}
config:
  role_arn: arn:aws:iam::123456789012:role/planasonix-reader
  region: eu-central-1
"""

BUCKET = """\
kind: connection
name: prod-lake
type: s3
labels: {environment: prod, system: lake, owner: data-platform}
credential: prod-lake
config:
  bucket: acme-landing
  region: eu-central-1
"""


def tell(folder: Path, colour: bool) -> None:
    """Tell the whole story in ``folder``; raises where a command does not end as it should."""
    with stage(folder, colour) as scene:
        _begin(scene)
        _drift(scene)
        _rotate(scene)
        _retire(scene)
        scene.say("That was the whole story. Yours begins with: keyturn init")


def _begin(scene: Stage) -> None:
    scene.say("A new repository: an age key, rules, one credential with its connection")
    scene.run(f"keyturn init . --organization {ORGANIZATION} --base-url {scene.base_url}")
    scene.say("A role for the data lake needs no secret at all; one more connection uses it")
    (scene.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE)
    (scene.folder / "manifests/prod/connections/prod-lake.yaml").write_text(BUCKET)
    scene.say("The warehouse's password, from wherever you keep it, straight into SOPS")
    _database(scene, "first-password")
    scene.run("pass show warehouse | keyturn secret set prod-warehouse password", stdin="first-password")
    scene.run("keyturn validate")
    scene.run("keyturn plan")
    scene.run("keyturn apply --auto-approve")
    scene.say("Nothing is left to do, and no key is needed to know it")
    scene.run("keyturn plan --detailed-exitcode")


def _drift(scene: Stage) -> None:
    scene.say("Somebody edits the connection in the UI")
    scene.remote.edit_in_ui("connections", "prod-warehouse", config={"database": "scratch"})
    scene.run("keyturn plan --detailed-exitcode", expect=2)
    scene.run("keyturn apply --auto-approve")


def _rotate(scene: Stage) -> None:
    scene.say(
        "A new password, with a typing mistake: it is tried on a probe before anything in use is touched"
    )
    scene.run("pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="secnod-password")
    scene.run("keyturn apply --auto-approve", expect=1)
    scene.say("The right one, which the database knows beside the old")
    _database(scene, "first-password", "second-password")
    scene.run("pass show warehouse-new | keyturn secret set prod-warehouse password", stdin="second-password")
    scene.run("keyturn apply --auto-approve")


def _retire(scene: Stage) -> None:
    scene.say("The lake is no longer needed: its manifests go")
    scene.run("rm manifests/prod/credentials/prod-lake.yaml manifests/prod/connections/prod-lake.yaml")
    scene.run("keyturn apply --auto-approve", expect=5)
    scene.say("Two of four at once is more than the budget allows without a word; here is the word")
    scene.run("keyturn apply --auto-approve --allow-retire 2")
    scene.say("It was needed after all: the manifests come back, and so does the same object")
    (scene.folder / "manifests/prod/credentials/prod-lake.yaml").write_text(LAKE)
    (scene.folder / "manifests/prod/connections/prod-lake.yaml").write_text(BUCKET)
    scene.run("keyturn apply --auto-approve")
    scene.run("keyturn plan")


def _database(scene: Stage, *passwords: str) -> None:
    warehouse = {
        "type": "postgres",
        "match": {"host": "db.example.com"},
        "accepts": {"password": list(passwords)},
        "server_version": "PostgreSQL 16.4",
    }
    scene.remote.set_targets([warehouse])
