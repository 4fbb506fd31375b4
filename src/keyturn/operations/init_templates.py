"""The text files of a new repository."""

from msgspec import Struct


class InitOptions(Struct, frozen=True, kw_only=True):
    """What somebody chose for a new repository.

    ``recipient`` is the age public key, ``pgp`` a fingerprint; either may be empty, not both.
    ``more`` are further workspaces, each with its organization.
    """

    workspace: str
    base_url: str
    organization: str
    recipient: str = ""
    pgp: str = ""
    variable: str = "PLANASONIX_API_KEY"
    further_workspaces: tuple[tuple[str, str], ...] = ()

    @property
    def all_workspaces(self) -> tuple[tuple[str, str], ...]:
        """Every workspace with its organization."""
        return ((self.workspace, self.organization), *self.further_workspaces)

    @property
    def all_recipients(self) -> tuple[str, ...]:
        """Whoever can decrypt, as policy names them."""
        return tuple(filter(None, (self.recipient, self.pgp)))

    def variable_for(self, workspace: str) -> str:
        """Return the variable that holds the API key of a workspace: of one alone, it needs no suffix."""
        return (
            f"{self.variable}_{workspace.upper().replace('-', '_')}"
            if self.further_workspaces
            else self.variable
        )


def render_project_file(options: InitOptions) -> str:
    """Return keyturn.yaml."""
    who = ", ".join(options.all_recipients)
    workspaces = "".join(_render_workspace(options, *each) for each in options.all_workspaces)
    environments = "".join(f"    {name}: {{prefix: {name}-}}\n" for name, _ in options.all_workspaces)
    recipients = "".join(f"    manifests/{name}: [{who}]\n" for name, _ in options.all_workspaces)
    return f"""\
# What keyturn manages, and what it asks of every manifest. `keyturn schema project` has all settings.
version: 1
workspaces:
{workspaces}policy:
  required_labels: [environment, system, owner]
  environments:
{environments}  recipients:
{recipients}    .keyturn/fingerprint.yaml: [{who}]
  rotation: {{max_age: 90d}}
  limits: {{retire: {{count: 5, percent: 20}}}}
  seal: required
"""


def _render_workspace(options: InitOptions, name: str, organization: str) -> str:
    return f"""\
  {name}:
    base_url: {options.base_url}
    organization: {organization}     # compared with the API key's before anything is read
    api_key: {{env: {options.variable_for(name)}}}     # where the key is, never the key
    manifests: [manifests/{name}]
    state: file:.keyturn/{name}            # for a team: s3://bucket/prefix, gs://… or az://…
"""


def render_sops_rules(options: InitOptions) -> str:
    """Return .sops.yaml: a file that no rule names is not encrypted at all, but refused."""
    patterns = [f"^manifests/{name}/.*\\.ya?ml$" for name, _ in options.all_workspaces]
    keys = "".join(
        f"    {word}: {name}\n" for word, name in (("age", options.recipient), ("pgp", options.pgp)) if name
    )
    rules = "".join(
        f"  - path_regex: {pattern}\n    encrypted_regex: ^secrets$\n{keys}"
        for pattern in (*patterns, "^\\.keyturn/fingerprint\\.yaml$")
    )
    return f"""\
# For whom `sops edit` and keyturn encrypt. A path without a rule is refused, never left in the clear.
creation_rules:
{rules}"""


def render_gitignore(options: InitOptions) -> str:
    """Return .gitignore: a state on one machine is no business of git's."""
    lines = "".join(f".keyturn/{name}/\n" for name, _ in options.all_workspaces)
    return f"# the state, lock and journal of this machine\n{lines}"


def render_github_workflow(options: InitOptions) -> str:
    """Return the workflow of GitHub Actions: one step of the apply for each workspace."""
    if not options.further_workspaces:
        return GITHUB_WORKFLOW.replace("PLANASONIX_API_KEY", options.variable)
    head, step = GITHUB_WORKFLOW.split(_APPLY_STEP)
    return head + "".join(
        _APPLY_STEP + _adapt_to_workspace(options, name, step) for name, _ in options.all_workspaces
    )


def render_gitlab_pipeline(options: InitOptions) -> str:
    """Return the pipeline of GitLab CI: one job of the apply for each workspace."""
    if not options.further_workspaces:
        return GITLAB_PIPELINE.replace("PLANASONIX_API_KEY", options.variable)
    head, job = GITLAB_PIPELINE.split(_APPLY_JOB)
    jobs = (
        _APPLY_JOB.replace("apply:", f"apply {name}:") + _adapt_to_workspace(options, name, job)
        for name, _ in options.all_workspaces
    )
    return head.replace("PLANASONIX_API_KEY", f"{options.variable}_…") + "\n".join(jobs)


def _adapt_to_workspace(options: InitOptions, name: str, text: str) -> str:
    named = text.replace("PLANASONIX_API_KEY", options.variable_for(name))
    # exec would end the job with the first workspace.
    return named.replace("exec keyturn apply", "keyturn apply").replace(
        "apply --auto-approve", f"apply --workspace {name} --auto-approve"
    )


PRE_COMMIT_CONFIG = """\
repos:
  - repo: local
    hooks:
      - id: keyturn-validate
        name: keyturn validate
        entry: keyturn validate
        language: system
        files: ^manifests/.*\\.ya?ml$
"""

SCHEMA_FILES = {kind: f".keyturn/{kind}.schema.json" for kind in ("credential", "connection")}
"""Where a repository keeps the schemas, for editors."""


def render_modeline(kind: str, manifest: str) -> str:
    """Return the first line of a manifest at this path below the root: it leads an editor to the schema."""
    return f"# yaml-language-server: $schema={'../' * manifest.count('/')}{SCHEMA_FILES[kind]}\n"


EXAMPLE_CONNECTION = """\
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

GITHUB_WORKFLOW = """\
# Check the pull request, apply after the merge. Neither secret is in reach of a fork.
# Before the first apply: `state: file:…` in keyturn.yaml is a folder of this runner, gone with it, and
# the next run would know nothing of this one. Write `state: s3://bucket/prefix` (or gs://, az://), and give
# the apply access to the bucket by its environment. Until then, run the apply on a machine of yours.
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
        with: {persist-credentials: false, fetch-depth: 0} # history, for the age of secrets
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

_APPLY_STEP = "      # exec, so that a cancelled job reaches keyturn and not only the shell around it\n"

GITLAB_PIPELINE = """\
# Check in the merge request, apply after the merge. Mark PLANASONIX_API_KEY and SOPS_AGE_KEY as protected
# and masked, for the environment `production` alone: no merge request's pipeline has a key in reach then.
# Before the first apply: `state: file:…` in keyturn.yaml is a folder of this runner, gone with it, and
# the next run would know nothing of this one. Write `state: s3://bucket/prefix` (or gs://, az://), and give
# the apply access to the bucket by its environment. Until then, run the apply on a machine of yours.
stages: [check, apply]

default:
  image: python:3.13
  before_script:
    - pip install 'keyturn[sops]'

variables:
  GIT_DEPTH: "0" # history, for the age of secrets

validate:
  stage: check
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - keyturn validate --format gitlab > gl-code-quality-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json

apply:
  stage: apply
  rules:
    - if: $CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  environment: {name: production}
  resource_group: keyturn
  script:
    # exec, so that a cancelled job reaches keyturn and not only the shell around it
    - exec keyturn apply --auto-approve
"""

_APPLY_JOB = "apply:\n"
