"""The templates of the files of a new repository."""

from collections.abc import Mapping

from msgspec import Struct, field


class InitOptions(Struct, frozen=True, kw_only=True):
    """The options of a new repository.

    ``recipient`` is an age public key, ``pgp`` a key fingerprint; one of them may be empty.
    ``variable`` is the environment variable of the API key. ``further_workspaces`` holds names with
    organizations. ``key_ids`` has the IDs of the workspace keys by workspace.
    """

    workspace: str
    base_url: str
    organization: str
    recipient: str = ""
    pgp: str = ""
    variable: str = "PLANASONIX_API_KEY"
    further_workspaces: tuple[tuple[str, str], ...] = ()
    key_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_workspaces(self) -> tuple[tuple[str, str], ...]:
        """All workspaces, each with its organization."""
        return ((self.workspace, self.organization), *self.further_workspaces)

    @property
    def all_recipients(self) -> tuple[str, ...]:
        """All recipients of encrypted files, in the notation of the policy."""
        return tuple(filter(None, (self.recipient, self.pgp)))

    def variable_for(self, workspace: str) -> str:
        """Return the variable of the API key of a workspace, with a suffix if there are several."""
        return (
            f"{self.variable}_{workspace.upper().replace('-', '_')}"
            if self.further_workspaces
            else self.variable
        )


def render_project_file(options: InitOptions) -> str:
    """Return keyturn.yaml."""
    keys = ", ".join(options.all_recipients)
    workspaces = "".join(_render_workspace(options, *each) for each in options.all_workspaces)
    environments = "".join(f"    {name}: {{prefix: {name}-}}\n" for name, _ in options.all_workspaces)
    recipients = "".join(f"    manifests/{name}: [{keys}]\n" for name, _ in options.all_workspaces)
    key_files = "".join(f"    .keyturn/keys/{name}.yaml: [{keys}]\n" for name, _ in options.all_workspaces)
    return f"""\
# The project of keyturn. `keyturn schema project` prints all settings.
version: 1
workspaces:
{workspaces}policy:
  required_labels: [environment, system, owner]
  environments:
{environments}  recipients:
{recipients}{key_files}  rotation: {{max_age: 90d}}
  limits: {{retire: {{count: 5, percent: 20}}}}
  seal: required
"""


def _render_workspace(options: InitOptions, name: str, organization: str) -> str:
    return f"""\
  {name}:
    base_url: {options.base_url}
    organization: {organization}     # must be the organization of the API key
    api_key: {{env: {options.variable_for(name)}}}     # the source of the key, never the key
    manifests: [manifests/{name}]
    state: file:.keyturn/{name}            # for a team: s3://bucket/prefix, gs://… or az://…
"""


def render_sops_rules(options: InitOptions) -> str:
    """Return .sops.yaml; sops refuses a path without a rule."""
    patterns = [f"^manifests/{name}/.*\\.ya?ml$" for name, _ in options.all_workspaces]
    keys = "".join(
        f"    {word}: {name}\n" for word, name in (("age", options.recipient), ("pgp", options.pgp)) if name
    )
    rules = "".join(
        f"  - path_regex: {pattern}\n    encrypted_regex: ^secrets$\n{keys}"
        for pattern in (*patterns, "^\\.keyturn/.*\\.yaml$")
    )
    return f"""\
# The recipients of files that sops and keyturn encrypt. A path without a rule is refused.
creation_rules:
{rules}"""


def render_gitignore(options: InitOptions) -> str:
    """Return .gitignore, which excludes the state of this machine."""
    lines = "".join(f".keyturn/{name}/\n" for name, _ in options.all_workspaces)
    return f"# state, lock and journal of this machine\n{lines}"


def render_github_workflow(options: InitOptions) -> str:
    """Return the workflow of GitHub Actions, with one apply step for each workspace."""
    if not options.further_workspaces:
        workflow = _insert_key_id(options, options.workspace, GITHUB_WORKFLOW)
        return workflow.replace("PLANASONIX_API_KEY", options.variable)
    head, step = GITHUB_WORKFLOW.split(_APPLY_STEP)
    return head + "".join(
        _APPLY_STEP + _adapt_to_workspace(options, name, step) for name, _ in options.all_workspaces
    )


def render_gitlab_pipeline(options: InitOptions) -> str:
    """Return the pipeline of GitLab CI, with one apply job for each workspace."""
    if not options.further_workspaces:
        pipeline = _insert_key_id(options, options.workspace, GITLAB_PIPELINE)
        return pipeline.replace("PLANASONIX_API_KEY", options.variable)
    head, job = GITLAB_PIPELINE.split(_APPLY_JOB)
    jobs = (
        _APPLY_JOB.replace("apply:", f"apply {name}:") + _adapt_to_workspace(options, name, job)
        for name, _ in options.all_workspaces
    )
    return head.replace("PLANASONIX_API_KEY", f"{options.variable}_…") + "\n".join(jobs)


def _adapt_to_workspace(options: InitOptions, name: str, text: str) -> str:
    adapted = _insert_key_id(options, name, text).replace("PLANASONIX_API_KEY", options.variable_for(name))
    # After exec, the shell would not run the apply of the next workspace.
    return adapted.replace("exec keyturn apply", "keyturn apply").replace(
        "apply --auto-approve", f"apply --workspace {name} --auto-approve"
    )


def _insert_key_id(options: InitOptions, name: str, text: str) -> str:
    key_id = options.key_ids.get(name, "")
    return text.replace(_NO_KEY_ID, f'"{key_id}"') if key_id else text


_NO_KEY_ID = '"" # the ID that `keyturn key show` prints'

PRE_COMMIT_CONFIG = """\
default_install_hook_types: [pre-commit, pre-merge-commit]
repos:
  - repo: local
    hooks:
      - id: keyturn-validate
        name: keyturn validate
        entry: keyturn validate --staged
        language: system
        pass_filenames: false
        always_run: true
"""

SCHEMA_FILES = {kind: f".keyturn/{kind}.schema.json" for kind in ("credential", "connection")}
"""The schema files of a repository, for editors."""


def render_modeline(kind: str, manifest: str) -> str:
    """Return the line that tells editors the schema of a manifest at this path below the root."""
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
# Validates pull requests and applies after the merge. Pull requests from forks have no access to secrets.
# Before the first apply, set `state: s3://bucket/prefix` (or gs://, az://) in keyturn.yaml, and give the
# apply job access to the bucket. With `state: file:…`, the state is lost when the runner ends. Until
# then, run the apply on your own machine.
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
      # exec: a cancelled job then stops keyturn, not only its shell
      - run: exec keyturn apply --auto-approve
        env:
          KEYTURN_KEY_ID: "" # the ID that `keyturn key show` prints
          PLANASONIX_API_KEY: ${{ secrets.PLANASONIX_API_KEY }}
          SOPS_AGE_KEY: ${{ secrets.SOPS_AGE_KEY }}
"""

_APPLY_STEP = "      # exec: a cancelled job then stops keyturn, not only its shell\n"

GITLAB_PIPELINE = """\
# Validates merge requests and applies after the merge. Mark PLANASONIX_API_KEY and SOPS_AGE_KEY as protected
# and masked, with the environment `production`: pipelines of merge requests then have no access to them.
# Before the first apply, set `state: s3://bucket/prefix` (or gs://, az://) in keyturn.yaml, and give the
# apply job access to the bucket. With `state: file:…`, the state is lost when the runner ends. Until
# then, run the apply on your own machine.
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
  variables:
    KEYTURN_KEY_ID: "" # the ID that `keyturn key show` prints
  environment: {name: production}
  resource_group: keyturn
  script:
    # exec: a cancelled job then stops keyturn, not only its shell
    - exec keyturn apply --auto-approve
"""

_APPLY_JOB = "apply:\n"
