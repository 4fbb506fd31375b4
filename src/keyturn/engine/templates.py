"""The text files of a new repository."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What somebody chose for a new repository; ``recipient`` is the age public key."""

    workspace: str
    base_url: str
    organization: str
    recipient: str
    variable: str = "PLANASONIX_API_KEY"


def project(choice: Choice) -> str:
    """Return keyturn.yaml."""
    name = choice.workspace
    return f"""\
# What keyturn manages, and what it asks of every manifest. `keyturn schema project` has all settings.
version: 1
workspaces:
  {name}:
    base_url: {choice.base_url}
    organization: {choice.organization}     # compared with the API key's before anything is read
    api_key: {{env: {choice.variable}}}     # where the key is, never the key
    manifests: [manifests/{name}]
    ledger: file:.keyturn/{name}            # for a team: s3://bucket/prefix, gs://… or az://…
policy:
  required_labels: [environment, system, owner]
  environments:
    {name}: {{prefix: {name}-}}
  recipients:
    manifests/{name}: [{choice.recipient}]
    .keyturn/fingerprint.yaml: [{choice.recipient}]
  rotation: {{max_age: 90d}}
  limits: {{retire: {{count: 5, percent: 20}}}}
  seal: required
"""


def sops_rules(choice: Choice) -> str:
    """Return .sops.yaml: a file that no rule names is not encrypted at all, but refused."""
    return f"""\
# For whom `sops edit` and keyturn encrypt. A path without a rule is refused, never left in the clear.
creation_rules:
  - path_regex: ^manifests/{choice.workspace}/.*\\.ya?ml$
    encrypted_regex: ^secrets$
    age: {choice.recipient}
  - path_regex: ^\\.keyturn/fingerprint\\.yaml$
    encrypted_regex: ^secrets$
    age: {choice.recipient}
"""


def ignored(choice: Choice) -> str:
    """Return .gitignore: a ledger on one machine is no business of git's."""
    return f"# the ledger, lock and journal of this machine\n.keyturn/{choice.workspace}/\n"


PRE_COMMIT = """\
repos:
  - repo: local
    hooks:
      - id: keyturn-validate
        name: keyturn validate
        entry: keyturn validate
        language: system
        files: ^manifests/.*\\.ya?ml$
"""

CONNECTION = """\
# yaml-language-server: $schema=https://keyturn.dev/schemas/connection.schema.json
kind: connection
name: {name}
type: postgres
labels: {{environment: {workspace}, system: warehouse, owner: data-platform}}
credential: {name}
config:
  host: db.example.com
  port: 5432
  database: analytics
  sslMode: verify-full
"""

WORKFLOW = """\
# Plan in the pull request, apply after the merge. Neither secret is in reach of a fork.
name: keyturn
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
concurrency:
  group: keyturn-${{ github.ref }}
jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with: {persist-credentials: false}
      - run: pipx install 'keyturn[sops]'
      - run: keyturn validate --format github
  apply:
    if: github.event_name == 'push'
    needs: validate
    runs-on: ubuntu-latest
    environment: production
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with: {persist-credentials: false}
      - run: pipx install 'keyturn[sops]'
      # exec, so that a cancelled job reaches keyturn and not only the shell around it
      - run: exec keyturn apply --auto-approve
        env:
          PLANASONIX_API_KEY: ${{ secrets.PLANASONIX_API_KEY }}
          SOPS_AGE_KEY: ${{ secrets.SOPS_AGE_KEY }}
"""
