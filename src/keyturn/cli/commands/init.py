"""keyturn init: create a working repository in an empty or existing folder."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keyturn.cli import exit_codes
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith

_DEFAULT_URL, _DEFAULT_ORGANIZATION = "https://api.planasonix.com", "org_change_me"


@click.command("init")
@click.argument("folder", required=False, default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--workspace",
    "-w",
    "names",
    multiple=True,
    metavar="NAME",
    help="Name of a workspace; repeatable.  [prod]",
)
@click.option("--base-url", default="", metavar="URL", help=f"Base URL of the API.  [{_DEFAULT_URL}]")
@click.option(
    "--organization",
    "organizations",
    multiple=True,
    metavar="ID",
    help="ID of the organization, such as org_01jq8acme; one, or one for each workspace.",
)
@click.option("--recipient", default="", metavar="AGE", help="Encrypt for this age public key.")
@click.option("--pgp", default="", metavar="FINGERPRINT", help="Also encrypt for this PGP key (40 digits).")
@click.option(
    "--ci",
    type=click.Choice(("github", "gitlab", "none")),
    default="github",
    show_default=True,
    help="The pipeline to write.",
)
@click.pass_obj
def init_command(color: bool, /, folder: Path, ci: str, **chosen: Any) -> None:
    """Create the files of a new repository; existing files are kept.

    Creates creation rules for sops, a credential with its connection, hooks and a CI pipeline. If sops
    finds no age key of yours, keyturn creates one, except with --pgp alone. On a terminal, keyturn asks
    for missing options.

    \b
    Examples:
      keyturn init warehouse-access --organization org_01jq8acme
      keyturn init -w prod -w staging --ci gitlab
    """
    with error_boundary(color):
        import secrets

        from keyturn.cli.environment import read_environment
        from keyturn.operations.setup.init_repository import init_repository
        from keyturn.operations.setup.workspace_keys import describe_author

        environment = read_environment()
        answers = _ask_missing(folder, chosen)
        public, made = chosen["recipient"], None
        if not public and not chosen["pgp"]:
            public, made = find_or_create_age_key(environment)
        folder.mkdir(parents=True, exist_ok=True)
        options = _build_options(answers, public)
        author = describe_author(folder, environment)
        result = init_repository(folder, options, environment, secrets.token_bytes, author=author, ci=ci)
        if made:
            click.echo(f"key      {made}  (keep a copy in a safe place: without it the secrets are lost)")
        for word, files in (
            ("created", result.created),
            ("added", result.extended),
            ("kept", result.unchanged),
        ):
            for file in files:
                click.echo(f"{word:<7}  {file}")
        for name, key_id in result.key_ids.items():
            click.echo(f"key      {name}: {key_id}  (KEYTURN_KEY_ID of your jobs)")
        for advice in result.advice:
            click.echo(f"\nto do: {advice}")
        if not result.created and not result.extended:
            click.echo("Nothing to do: all files exist.", err=True)
            raise ExitWith(exit_codes.EXIT_DONE)
        click.echo("\nNext: keyturn validate, then keyturn plan.")


def _ask_missing(folder: Path, chosen: Mapping[str, Any]) -> dict[str, Any]:
    answers = dict(chosen)
    # Prompt only on a terminal, and only for a new project.
    prompts = sys.stdin.isatty() and not (folder / "keyturn.yaml").exists()
    if not answers["names"]:
        name = click.prompt("Name of the workspace", "prod", err=True) if prompts else "prod"
        answers["names"] = (name,)
    if not answers["base_url"]:
        answers["base_url"] = (
            click.prompt("Base URL of the API", _DEFAULT_URL, err=True) if prompts else _DEFAULT_URL
        )
    if not answers["organizations"]:
        asked = (
            click.prompt(f"Organization of {name}", _DEFAULT_ORGANIZATION, err=True)
            if prompts
            else _DEFAULT_ORGANIZATION
            for name in answers["names"]
        )
        answers["organizations"] = tuple(asked)
    return answers


def _build_options(answers: Mapping[str, Any], public: str) -> Any:
    from keyturn.operations.setup.init_templates import InitOptions

    names, organizations = answers["names"], answers["organizations"]
    if len(organizations) == 1:
        organizations *= len(names)
    if len(organizations) != len(names) or len(set(names)) != len(names):
        raise click.UsageError("name each workspace once, and one organization, or one for each workspace")
    pairs = tuple(zip(names, organizations, strict=True))
    return InitOptions(
        workspace=pairs[0][0],
        base_url=answers["base_url"],
        organization=pairs[0][1],
        recipient=public,
        pgp=answers["pgp"],
        further_workspaces=pairs[1:],
    )


def find_or_create_age_key(environment: Mapping[str, str]) -> tuple[str, Path | None]:
    """Return an age public key, and the file of its private key if one was created.

    Only the owner can read a new file; an existing file is never changed.
    """
    import pyrage  # type: ignore[import-untyped]

    from keyturn.operations.setup.init_repository import list_age_recipients

    found = list_age_recipients(environment)
    if found:
        return found[0], None
    identity = pyrage.x25519.Identity.generate()
    path = _age_key_path(environment)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public()), path


def _age_key_path(environment: Mapping[str, str]) -> Path:
    named = environment.get("SOPS_AGE_KEY_FILE")
    if named:
        return Path(named)
    config = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")) / ".config")
    return Path(config).expanduser() / "sops" / "age" / "keys.txt"
