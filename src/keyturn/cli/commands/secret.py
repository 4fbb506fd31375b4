"""keyturn secret and keyturn seal: write encrypted secrets and seals."""

import string
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keyturn.cli import completion, exit_codes, options
from keyturn.cli.errors import error_boundary
from keyturn.cli.exit_codes import ExitWith
from keyturn.cli.main import SuggestingGroup

_CONNECTION_PREFIX = "connection/"
_ALPHANUMERIC = string.ascii_letters + string.digits
ALPHABETS: Mapping[str, str] = {
    "plain": _ALPHANUMERIC,
    "url": f"{_ALPHANUMERIC}-._~",
    "symbols": f"{_ALPHANUMERIC}!#%*+-./:=?@^_~",
}
"""Alphabets of random secrets: letters and digits; characters that a URL needs not escape; with symbols."""

ISSUED_FIELDS = frozenset(
    {
        "access_token", "account_key", "certificate", "connection_string", "private_key", "refresh_token",
        "sas_token", "service_account_json", "session_token", "ssh_private_key",
    }
)  # fmt: skip
"""Fields whose value another system issues: a random value would not work."""


@click.group("secret", cls=SuggestingGroup)
def secret_command() -> None:
    """Write secrets of manifests.

    A secret is never a flag: keyturn reads it from a prompt or from standard input and encrypts it.

    \b
    Examples:
      keyturn secret set prod-db password
      pass show prod/db | keyturn secret set prod-db password
    """


@secret_command.command("set", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@click.argument("name", shell_complete=completion.complete_credentials)
@click.argument("field", shell_complete=completion.complete_fields)
@click.option(
    "--generate",
    type=click.IntRange(12, 256),
    default=None,
    metavar="LENGTH",
    help="Generate a random secret of LENGTH characters.",
)
@click.option(
    "--alphabet",
    type=click.Choice(tuple(ALPHABETS)),
    default="plain",
    help="The alphabet of a random secret.",
)
@click.option(
    "--from-file",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Read the secret from a file instead of standard input.",
)
@click.option(
    "--same-as",
    "same_as",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.complete_credentials,
    help="Allow a value that the credential NAME has, too; repeatable.",
)
@options.workspace_option
@options.chdir_option
@click.pass_context
def secret_set_command(
    ctx: click.Context, /, name: str, field: str, workspace: str, folder: Path, **more: Any
) -> None:
    """Set a secret, from standard input or a prompt.

    FIELD of the credential NAME is encrypted and sealed in place; the rest of the file stays as it is.
    The next apply sends the secret. The policy rules about secrets check the value before it is written.
    A value that another credential has is refused. If the destination changed after the last seal,
    nothing is written: review it and run `keyturn seal` first. If another file has the same data key, or
    a former recipient knows it, the file gets a new data key.
    Without --workspace, NAME belongs to the workspace of the current folder, or must be unique.

    \b
    Examples:
      keyturn secret set prod-db password              prompts without echo
      pass show prod/db | keyturn secret set prod-db password
      keyturn secret set prod-db private_key --from-file ~/key.pem
      keyturn secret set prod-db password --generate 32
    """
    color = bool(ctx.obj)
    with error_boundary(color):
        from datetime import UTC, datetime

        from keyturn.cli.environment import read_environment
        from keyturn.cli.errors import print_diagnostics
        from keyturn.model.secret import Secret
        from keyturn.operations.secrets.set_secret import check_secret_value, find_credential_file, set_secret
        from keyturn.project.project import find_workspace_at, open_project

        _reject_secret_argument(field, ctx.args)
        value = Secret(_obtain_secret(name, field, **more))
        project = open_project(folder)
        source = find_credential_file(project, name, workspace or find_workspace_at(project, folder))
        warnings = check_secret_value(project, source, field, value, datetime.now(UTC).date())
        if warnings:
            print_diagnostics(warnings, color)
        written = set_secret(
            project, source.relative, field, value, read_environment(), same_as=more["same_as"]
        )
        click.echo(f"set {field} of credential/{name} in {written.file}", err=True)
        _print_notes(written.notes)


@click.command("seal")
@click.argument("names", nargs=-1, required=True, shell_complete=completion.complete_credentials)
@click.option("--reason", default="", metavar="REASON", help="Why the destination of the secrets changed.")
@click.option("--yes", is_flag=True, help="Ask no question; needs --reason.")
@options.workspace_option
@options.chdir_option
@click.pass_obj
def seal_command(
    color: bool, /, names: tuple[str, ...], reason: str, yes: bool, workspace: str, folder: Path
) -> None:
    """Seal secrets for their new destination.

    NAME is a credential, or `connection/NAME` for a connection whose destination is not that of its
    credential. Run this after an intended change of a credential's host, account, URL or name, once you have
    reviewed the file. An apply refuses secrets whose seal does not match. A changed destination needs
    a reason and a confirmation, and the file gets a new data key.

    \b
    Examples:
      keyturn seal prod-db
      keyturn seal prod-db --reason 'moved to the new cluster'
      keyturn seal connection/prod-db --reason 'new domain' --yes
    """
    with error_boundary(color):
        from keyturn.cli.environment import read_environment
        from keyturn.operations.secrets.seal_connection import ConnectionSealer
        from keyturn.operations.secrets.set_secret import (
            find_credential_file,
            find_resource_file,
            reseal_credential,
            review_seals,
        )
        from keyturn.operations.setup.workspace_keys import describe_author
        from keyturn.project.project import find_workspace_at, open_project

        if yes and not reason.strip():
            raise click.UsageError("--yes needs --reason TEXT")
        project, environment = open_project(folder), read_environment()
        chosen = workspace or find_workspace_at(project, folder)
        named = {kind: _select_names(names, kind) for kind in ("credential", "connection")}
        files = [find_credential_file(project, name, chosen).relative for name in named["credential"]]
        connections = [
            find_resource_file(project, "connection", name, chosen) for name in named["connection"]
        ]
        sealer = ConnectionSealer(project, environment)
        reviews = (*review_seals(project, files, environment), *map(sealer.review_seal, connections))
        _confirm_moves(reviews, reason.strip(), yes=yes)
        for file in files:
            written = reseal_credential(project, file, environment, reason=reason.strip())
            click.echo(f"sealed {written.file}", err=True)
            _print_notes(written.notes)
        for source in connections:
            sealer.write_seal(source, describe_author(project.root, environment, reason.strip()))
            click.echo(f"sealed {source.relative}", err=True)


def _select_names(names: tuple[str, ...], kind: str) -> list[str]:
    is_connection = kind == "connection"
    chosen = [name for name in names if name.startswith(_CONNECTION_PREFIX) is is_connection]
    return [name.removeprefix(f"{kind}/") for name in chosen]


def _confirm_moves(reviews: tuple[Any, ...], reason: str, *, yes: bool) -> None:
    from keyturn.manifests.seal_review import SealStatus, build_broken_seal_error
    from keyturn.model.diagnostic import DiagnosticError
    from keyturn.views.escaping import escape_line

    moved = [each for each in reviews if each.status in (SealStatus.BROKEN, SealStatus.UNSIGNED)]
    if moved and not reason:
        raise DiagnosticError(*map(build_broken_seal_error, moved))
    for review in moved:
        what = "the destination changed after the last seal"
        if review.status is SealStatus.UNSIGNED:
            what = "the seal is not signed by the key of the workspace"
        click.echo(f"{review.address} ({review.file}): {what}", err=True)
        for line in review.moves or review.destination:
            click.echo(f"  {escape_line(line)}", err=True)
    if moved and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("cannot prompt (no terminal): pass --yes")
        if not click.confirm("Seal the secrets for this destination?", err=True):
            click.echo("Nothing was changed.", err=True)
            raise ExitWith(exit_codes.EXIT_ERROR)


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _reject_secret_argument(field: str, extra: list[str]) -> None:
    # The message repeats no argument: it may be a secret.
    if extra or "=" in field:
        raise click.UsageError(
            "secret set takes NAME, FIELD and its options only: pass the secret on standard input"
        )


def _obtain_secret(
    name: str, field: str, *, generate: int | None, alphabet: str, from_file: Path | None, **_: Any
) -> str:
    if not generate:
        return _read_secret(name, field, from_file)
    if from_file:
        raise click.UsageError("--generate and --from-file exclude each other")
    if field.partition(".")[0] in ISSUED_FIELDS:
        raise click.UsageError(
            f"{field} is issued by another system: --generate makes passwords and keys only"
        )
    return _generate_secret(generate, ALPHABETS[alphabet])


def _read_secret(name: str, field: str, file: Path | None) -> str:
    from keyturn.operations.secrets.secret_text import MAX_SECRET_BYTES, clean_secret, decode_secret

    try:
        if file is not None:
            with file.open("rb") as opened:
                cleaned = decode_secret(opened.read(MAX_SECRET_BYTES + 1), str(file))
        elif sys.stdin.isatty():
            cleaned = clean_secret(_prompt_secret(f"{field} of {name}"))
        else:
            cleaned = decode_secret(sys.stdin.buffer.read(MAX_SECRET_BYTES + 1), "standard input")
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from None
    for note in cleaned.notes:
        click.echo(f"warning: {note}", err=True)
    return cleaned.text


def _prompt_secret(prompt: str) -> str:
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _generate_secret(length: int, alphabet: str = ALPHABETS["plain"]) -> str:
    import secrets

    return "".join(secrets.choice(alphabet) for _ in range(length))
