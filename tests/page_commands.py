"""Runs the commands of a page and compares their output with the page.

A page is Markdown. In a ``console`` block, a line ``$ …`` is a command, ``> …`` continues it, and the lines
below are its output; a line ``…`` matches any lines. The comment ``<!-- file: NAME -->`` writes the block
below it to a file. ``<!-- scene: NAME -->`` runs a script of ``tests/docs/scenes`` first.
``<!-- run: COMMAND -->`` runs a hidden command. All commands of a page run in one shell. A failing command
must be followed by ``$ echo $?``.

Ports, dates, digests, IDs and keys vary between runs, so they are normalized before the comparison.
"""

import difflib
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import canary
from sources import ROOT

PORT = "8631"
"""The port of the emulator on every page; a run replaces it with a free port."""

HOME = "/home/user"
"""The home directory on every page."""

SCENES = ROOT / "tests" / "docs" / "scenes"
_MARK = "\x1e"
_FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<word>file|scene|run): (?P<value>.+?) -->$"
    r"|(?P<ticks>`{3,})(?P<language>[a-z]*)\n(?P<body>.*?)^ *(?P=ticks)$)",
    re.MULTILINE | re.DOTALL,
)
# Progress lines, which appear only on a slow machine.
_SLOW = re.compile(r"^[a-z][\w :]* \(\d+ s\)\n", re.MULTILINE)
_ALIKE = (
    (re.compile(r"\b(kt\d)-[a-z2-7]{10,}"), r"\1-digest"),
    (re.compile(r"SHA256:[A-Za-z0-9+/]{43}"), "SHA256:key-id"),
    (re.compile(r"\bage1[a-z0-9]{50,}"), "age1key"),
    (re.compile(r"\bAGE-SECRET-KEY-1[A-Z0-9]+"), "AGE-SECRET-KEY"),
    (re.compile(r"ENC\[[^]]*\]"), "ENC[]"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?)?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b(?:cred|conn|req|pipe|sched|sync)_[0-9A-Za-z]{6,}"), "ID"),
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "HEX"),
    (re.compile(r"\b\d+(?:\.\d+)? ?ms\b"), "N ms"),
    (re.compile(r"keyturn \d+\.\d+\.\d+\S*"), "keyturn VERSION"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page: its text, the output on the page, and the span of that output."""

    text: str
    answer: str
    span: tuple[int, int]
    shown: bool = True
    indent: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that a page shows."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The output and the exit code of a command."""

    command: Command
    text: str
    code: int


def parse_steps(page: str) -> Iterator[Command | File]:
    """Yield the commands and files of a page, in order."""
    name = ""
    for found in _FENCE.finditer(page):
        word, value = found["word"], found["value"]
        if word == "file":
            name = value
        elif word == "scene":
            yield Command((SCENES / f"{value}.sh").read_text(), "", (0, 0), shown=False)
        elif word == "run":
            yield Command(value, "", (0, 0), shown=False)
        elif name:
            yield File(name, _dedented(found["body"], found["indent"]))
            name = ""
        elif found["language"] == "console":
            yield from _commands(found["body"], found.start("body"), found["indent"])


def _dedented(body: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


def _commands(body: str, start: int, indent: str) -> Iterator[Command]:
    words: list[str] = []
    answer: list[str] = []
    begin = place = start
    for line in body.splitlines(keepends=True):
        bare = line.removeprefix(indent)
        if bare.startswith("$ "):
            if words:
                yield Command("\n".join(words), "".join(answer), (begin, place), indent=indent)
            words, answer, begin = [bare[2:].rstrip("\n")], [], place + len(line)
        elif bare.startswith("> ") and words and not answer:
            words.append(bare[2:].rstrip("\n"))
            begin = place + len(line)
        else:
            answer.append(bare)
        place += len(line)
    if words:
        yield Command("\n".join(words), "".join(answer), (begin, place), indent=indent)


class Shell:
    """The environment of a page: a folder, a home directory and a free port."""

    def __init__(self, ground: Path, path: tuple[Path, ...] = ()) -> None:
        self.ground, self.home = ground / "repository", ground / "home"
        self.ground.mkdir()
        self.home.mkdir()
        (self.home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self._path = path

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the shell, without any key."""
        places = (*self._path, Path(sys.executable).parent)
        own = {
            "PATH": os.pathsep.join([*map(str, places), os.environ["PATH"]]),
            "HOME": str(self.home),
            "COLUMNS": "100",
            "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"),
        }
        kept = {name: value for name, value in os.environ.items() if name.startswith(("GIT_", "LANG", "TMP"))}
        return {**kept, **own}

    def run(self, page: str, timeout: float = 120) -> tuple[Answer, ...]:
        """Run all commands of a page in one shell and return their output."""
        todo = tuple(parse_steps(page))
        script = "\n".join(self._line(each) for each in todo)
        with subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-s"],
            cwd=self.ground,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        ) as shell:
            try:
                said, _ = shell.communicate(f"{script}\nkill $(jobs -p) 2>/dev/null\n", timeout)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)
        canary.current().record("a page's shell", said)
        return tuple(self._answers(tuple(each for each in todo if isinstance(each, Command)), said))

    def _line(self, step: Command | File) -> str:
        if isinstance(step, File):
            end = "end-of-" + re.sub(r"\W", "-", step.name)
            content = step.content.replace(PORT, self.port)
            return f"mkdir -p \"$(dirname '{step.name}')\" && cat > '{step.name}' <<'{end}'\n{content}{end}"
        text = step.text.replace(PORT, self.port).replace(HOME, str(self.home))
        wait = ""
        if text.endswith("&") and "planasonix-emulator" in text:
            log = text.rpartition("> ")[2].split()[0]
            wait = f"until grep -q listening {log} 2>/dev/null; do sleep 0.05; done\n"
        return (
            f"(exit ${{__code:-0}})\n{{ {text}\n}} </dev/null\n__code=$?\n{wait}"
            f"printf '\\x1e%d\\x1e' $__code\n"
        )

    def _answers(self, commands: tuple[Command, ...], said: str) -> Iterator[Answer]:
        parts = _SLOW.sub("", said).split(_MARK)
        if len(parts) < 2 * len(commands):
            raise AssertionError(f"the shell exited before the end of the page:\n{said[-2000:]}")
        for number, command in enumerate(commands):
            text = parts[2 * number].replace(str(self.home), HOME).replace(str(self.ground), HOME + "/tour")
            text = text.replace(self.port, PORT).replace(sys.prefix, HOME + "/.venv")
            yield Answer(command, text, int(parts[2 * number + 1]))


def normalize_output(text: str) -> str:
    """Return text with values that vary between runs normalized."""
    for pattern, word in _ALIKE:
        text = pattern.sub(word, text)
    return text.strip("\n")


def matches_output(shown: str, said: str) -> bool:
    """Tell whether output matches the page; a line ``…`` matches any lines."""
    parts = [
        re.escape(part) for part in re.split(r"^ *…$\n?", normalize_output(shown) + "\n", flags=re.MULTILINE)
    ]
    return re.fullmatch(r"(?:.*\n)*?".join(parts), normalize_output(said) + "\n") is not None


def list_mistakes(answers: tuple[Answer, ...]) -> Iterator[str]:
    """Yield a description of each command whose result differs from the page."""
    for answer, after in zip(answers, (*answers[1:], None), strict=True):
        asked = after is not None and after.command.text == "echo $?"
        if answer.code and not asked and answer.command.text != "echo $?":
            result = f"exited {answer.code}; the page does not show the exit code:"
            yield f"$ {answer.command.text}\n{result}\n{answer.text}"
        elif answer.command.shown and not matches_output(answer.command.answer, answer.text):
            lines = difflib.unified_diff(
                normalize_output(answer.command.answer).splitlines(),
                normalize_output(answer.text).splitlines(),
                "page",
                "run",
                lineterm="",
            )
            yield f"$ {answer.command.text}\n" + "\n".join(lines)


def rewrite_page(page: str, answers: tuple[Answer, ...]) -> str:
    """Return the page with the actual output in place of output that differs."""
    for answer in sorted(answers, key=lambda each: each.command.span, reverse=True):
        begin, end = answer.command.span
        if answer.command.shown and not matches_output(answer.command.answer, answer.text):
            text = textwrap.indent(answer.text.strip("\n"), answer.command.indent)
            page = page[:begin] + (text + "\n" if text else "") + page[end:]
    return page
