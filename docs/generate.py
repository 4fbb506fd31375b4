"""Write the reference pages from the code that they describe: ``make docs`` runs this first.

Commands come from click, codes from their table, exit codes from their module, settings and formats from
the schemas; the page of the library has its tables and its program from here, and its prose from people.
A test holds the pages against what this would write.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from keyturn import public
from keyturn.catalog import load_catalog
from keyturn.cli import exit_codes
from keyturn.cli.main import root_command
from planasonix_emulator.__main__ import main as emulator

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reference"
WIDTH = 96
DEEPEST = 3
NOTE = "<!-- written by docs/generate.py: change the code that this describes, then run `make docs` -->\n"

PROMISE = (
    "With `--format json`, standard output is one JSON value. `keyturn schema NAME` prints its schema. "
    "A higher minor of `format_version` adds keys, which a reader ignores; a higher major breaks.\n"
)
"""What holds for every format."""

HUNDREDS = {
    "0": "Project, environment, tools",
    "1": "Files, YAML, schema",
    "2": "SOPS and the seal",
    "3": "Policy",
    "4": "References, plan, limits",
    "5": "The service",
    "6": "State, lock, journal, saved plans",
}
"""What the first digit of a code says."""

FORMATS = (
    "plan", "report", "findings", "test", "usage", "diff", "pull", "import", "doctor", "log", "state",
)  # fmt: skip
"""What is printed or kept as JSON, in the order of its page."""

EXIT_CODES = {
    "EXIT_DONE": ("done, or nothing to do", "nothing"),
    "EXIT_ERROR": (
        "an error in your input; nothing was applied",
        "read the message: it says where the error is and how to fix it",
    ),
    "EXIT_CHANGES": ("changes wait (`plan --detailed-exitcode`)", "review and apply them"),
    "EXIT_PARTIAL": ("applied in part", "read the report, fix what failed, apply again"),
    "EXIT_STALE": (
        "the plan is stale, or another run holds the lock",
        "plan again; or wait, `--lock-timeout`, `unlock`",
    ),
    "EXIT_REFUSED": ("refused by policy or integrity", "change the manifest, or allow the change by name"),
    "EXIT_UNAUTHORIZED": ("the service does not accept the API key", "check the key and its permissions"),
    "EXIT_USAGE": ('wrong usage; 2 would read as "changes wait"', "`--help`"),
    "EXIT_BUG": ("a bug of keyturn", "report the printed lines; they contain no secret"),
    "EXIT_INTERRUPTED": ("interrupted", "apply again: keyturn first checks what the interrupted run wrote"),
}
"""Every exit code by its name in ``keyturn.cli.exit_codes``: what it means, what to do."""


def pages() -> Mapping[str, str]:
    """Return each page of the reference that is made from code, by its file name."""
    return {
        "commands.md": commands(),
        "codes.md": codes(),
        "exit-codes.md": endings(),
        "credentials.md": kinds("credential", "Credentials"),
        "connections.md": kinds("connection", "Connections"),
        "project.md": single("project", "keyturn.yaml"),
        "json.md": formats(),
        "library.md": library(),
    }


def commands() -> str:
    """Return the page of commands: what ``--help`` says, for each."""
    parts = ["# Commands\n", NOTE, _help(root_command, "keyturn", "##")]
    parts += [_help(command, name, "##") for name, command in _walk(root_command, "keyturn")]
    parts += [_help(emulator, "planasonix-emulator", "##")]
    return "\n".join(parts)


def _walk(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, info_name=name)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        if command is not None and not command.hidden:
            yield f"{name} {each}", command
            if isinstance(command, click.Group):
                yield from _walk(command, f"{name} {each}")


def _help(command: click.Command, name: str, level: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=WIDTH, help_option_names=["-h", "--help"])
    text = command.get_help(context)
    return f"{level} {name}\n\n```text\n{text.rstrip()}\n```\n"


def codes() -> str:
    """Return the page of codes: title, why, fix."""
    parts = ["# Codes\n", NOTE, "`keyturn explain CODE` says the same in a terminal.\n"]
    for digit, area in HUNDREDS.items():
        parts.append(f"## KT{digit}xx: {area}\n")
        for code, entry in load_catalog().items():
            if code[2] == digit:
                title, why, fix = map(_prose, (entry.title, entry.why, entry.fix))
                parts.append(f"### {code}: {title}\n\n{why}\n\n*Fix:* {fix}\n")
    return "\n".join(parts)


def endings() -> str:
    """Return the page of exit codes."""
    rows = [f"| {getattr(exit_codes, name)} | {means} | {act} |" for name, (means, act) in EXIT_CODES.items()]
    table = "| code | means | what to do |\n|--:|---|---|\n" + "\n".join(rows) + "\n"
    more = "A script may rely on these. More: [Recover from every exit code](../how-to/recover.md).\n"
    return f"# Exit codes\n\n{NOTE}\n{more}\n{table}"


def kinds(kind: str, title: str) -> str:
    """Return the page of a kind: what all of it have, then each type with its fields."""
    schema = _schema(kind)
    parts = [
        f"# {title}\n",
        NOTE,
        f"{_prose(schema['description'])}\n",
        "## Every type\n",
        _table(schema, schema),
    ]
    for rule in schema["allOf"]:
        constant = rule.get("if", {}).get("properties", {}).get("type", {}).get("const")
        if constant and "$ref" in rule.get("then", {}):
            definition = _resolved(rule["then"], schema)
            parts += [
                f"## {constant}\n",
                _prose(definition.get("description", "")) + "\n",
                _table(definition, schema),
            ]
    return "\n".join(parts)


def single(name: str, title: str) -> str:
    """Return the page of a file that has one form."""
    schema = _schema(name)
    return "\n".join([f"# {title}\n", NOTE, _prose(schema["description"]) + "\n", _table(schema, schema)])


def formats() -> str:
    """Return the page of what keyturn prints as JSON."""
    parts = ["# JSON formats\n", NOTE, PROMISE]
    for name in FORMATS:
        schema = _schema(name)
        shape = schema["items"] if schema["type"] == "array" else schema
        parts += [f"## {name}\n", _prose(schema["description"]) + "\n", _table(shape, schema)]
    return "\n".join(parts)


def library() -> str:
    """Return the page of the library, with its program and its table of names written from the code."""
    page = (TARGET / "library.md").read_text("utf-8")
    program = (ROOT / "examples" / "library" / "deploy.py").read_text("utf-8")
    page = _between(page, "<!-- file: deploy.py -->\n```python\n", program, "```\n")
    return _between(page, "<!-- the names of keyturn.public -->\n\n", _names(), "\n<!-- that is all -->\n")


def _between(page: str, begin: str, text: str, end: str) -> str:
    head, _, rest = page.partition(begin)
    return head + begin + text + end + rest.partition(end)[2]


def _names() -> str:
    rows = []
    for name in public.__all__:
        found = getattr(public, name)
        taken = f"({', '.join(inspect.signature(found).parameters)})" if inspect.isfunction(found) else ""
        about = re.sub(r"``([^`]+)``", r"`\1`", (inspect.getdoc(found) or "").splitlines()[0])
        rows.append(f"| `{name}{taken}` | {_cell(about)} |")
    return "| name | what it is |\n|---|---|\n" + "\n".join(rows) + "\n"


def _schema(name: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    return tree


def _table(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    rows = [
        f"| `{path}` | {form} | {_cell(about)} |"
        for path, form, about in _rows(schema, whole, "")
        if form or about
    ]
    return "| field | form | what it is |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _rows(
    schema: Mapping[str, Any], whole: Mapping[str, Any], prefix: str, depth: int = 0
) -> Iterator[tuple[str, str, str]]:
    wanted = schema.get("required", ())
    for name, below in schema.get("properties", {}).items():
        if isinstance(below, Mapping):
            yield from _field(_resolved(below, whole), whole, (prefix + name, name in wanted), depth)
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        yield from _field(_resolved(more, whole), whole, (f"{prefix}*", False), depth)


def _field(
    field: Mapping[str, Any], whole: Mapping[str, Any], place: tuple[str, bool], depth: int
) -> Iterator[tuple[str, str, str]]:
    path, wanted = place
    items = _resolved(field.get("items", {}), whole) if isinstance(field.get("items"), Mapping) else {}
    inner, suffix = (items, "[].") if "properties" in items else (field, ".")
    words = [_form(field), *(word for key, word in _MARKS.items() if field.get(key) is True)]
    yield path, ", ".join(filter(None, [*words, "required" if wanted else ""])), field.get("description", "")
    if depth < DEEPEST:
        yield from _rows(inner, whole, path + suffix, depth + 1)


_MARKS = {"writeOnly": "**secret**", "x-destination": "destination", "x-refers-to": "reference"}


def _form(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _resolved(field: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = field.get("$ref", "")
    if not reference.startswith("#/$defs/"):
        return field
    below = _resolved(whole["$defs"][reference.removeprefix("#/$defs/")], whole)
    return {**below, **{key: value for key, value in field.items() if key != "$ref"}}


def _prose(text: str) -> str:
    return re.sub(r"<([^>]+)>", r"&lt;\1&gt;", text)


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    for name, text in pages().items():
        (TARGET / name).write_text(text, "utf-8")
