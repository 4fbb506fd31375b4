"""Side effects: which layer may print, run programs, open sockets, start threads and read the clock."""

import ast

import pytest

from sources import format_dotted_name, list_imports, list_modules

CLI = ("keyturn.cli", "keyturn.__main__")

CLOCK = {
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.sleep", "time.clock_gettime",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
}  # fmt: skip
SPEAK = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
EXIT = {"exit", "quit", "sys.exit", "os._exit", "os.abort"}
WORKERS = {
    "threading.Thread", "threading.Timer", "Thread", "Timer", "ThreadPoolExecutor", "ProcessPoolExecutor",
    "futures.ThreadPoolExecutor", "concurrent.futures.ThreadPoolExecutor", "multiprocessing.Process",
}  # fmt: skip

CALLS = {
    "print": (CLI, SPEAK),
    "exit": (CLI, EXIT),
    "ask": (CLI, {"input", "getpass.getpass", "click.prompt", "click.confirm"}),
    "read the clock": ((*CLI, "keyturn.operations"), CLOCK),  # run_context passes the clocks down
    "start threads": (
        ("keyturn.operations", "keyturn.sops", "keyturn.git", "keyturn.state.stores.object_store"),
        WORKERS,
    ),
}
"""What is called, and the layers of keyturn that may."""

IMPORTS = {
    "run processes": (
        (
            "keyturn.sops",
            "keyturn.git",
            "keyturn.cli.demo.scenario",
        ),  # the demo runs the commands that it shows
        {"subprocess", "pty", "pexpect"},
    ),
    "open sockets": (
        ("keyturn.client", "keyturn.state.stores.object_store"),
        {"socket", "ssl", "httpx", "obstore", "http.client", "urllib.request", "requests", "asyncio"},
    ),
    "fork": ((), {"multiprocessing"}),
    "compare values with DeepDiff": (("keyturn.planning.diff",), {"deepdiff"}),
    "make or use age keys": (("keyturn.sops", "keyturn.cli.commands.init"), {"pyrage"}),
    "talk to a terminal": (CLI, {"rich", "click", "getpass", "readline"}),
}
"""What is imported, and the layers of keyturn that may."""

NEVER_IN_PURE_CODE = {
    "asyncio", "concurrent", "getpass", "glob", "http", "io", "locale", "logging", "multiprocessing", "os",
    "pathlib", "platform", "queue", "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3",
    "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid", "warnings",
}  # fmt: skip


PURE = (*list_modules("keyturn/model"), *list_modules("keyturn/planning"))


def allowed(module, layers):
    """Return whether a module belongs to one of the layers."""
    return any(f"{module.name}.".startswith(f"{layer}.") for layer in layers)


def called(module, names):
    """Yield the lines where one of the names is called."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and format_dotted_name(node.func) in names:
            yield f"{module.place}:{node.lineno} {format_dotted_name(node.func)}"


@pytest.mark.parametrize("what", CALLS)
def test_calls(what):
    """Only the layers of the table print, exit, prompt or read the clock."""
    layers, names = CALLS[what]
    found = [line for m in list_modules("keyturn") if not allowed(m, layers) for line in called(m, names)]
    assert found == []


@pytest.mark.parametrize("what", IMPORTS)
def test_imports(what):
    """Only the layers of the table run processes, open sockets or start threads."""
    layers, names = IMPORTS[what]
    found = [
        f"{module.place} imports {name}"
        for module in list_modules("keyturn")
        if not allowed(module, layers)
        for name in list_imports(module)
        if any(f"{name}.".startswith(f"{each}.") for each in names)
    ]
    assert found == []


@pytest.mark.parametrize("what", sorted({*CALLS, *IMPORTS} - {"fork", "ask"}))
def test_rules_are_in_use(what):
    """Each rule matches a module; a rule that matches none is to be removed or corrected."""
    names = (CALLS | IMPORTS)[what][1]
    roots = tuple(f"{name}." for name in names)
    doing = [m.place for m in list_modules("keyturn") if any(called(m, names))]
    doing += [
        m.place
        for m in list_modules("keyturn")
        if any(f"{name}.".startswith(roots) for name in list_imports(m))
    ]
    assert doing


def test_the_environment_is_read_in_one_layer():
    """Only the command line reads `os.environ`; everything else takes a mapping."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "expandvars"}
    found = [
        f"{module.place}:{node.lineno} {node.attr}"
        for module in list_modules()
        if not allowed(module, (*CLI, "planasonix_emulator.__main__"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in names
        and format_dotted_name(node.value) in {"os", "os.path"}
    ]
    found += [
        m.place for m in list_modules() if any(n in {f"os.{e}" for e in names} for n in list_imports(m))
    ]
    assert found == []


def test_planning_is_pure():
    """Model and planning use no clock, randomness, environment, log, file, process or network."""
    found = [
        f"{module.place} imports {name}"
        for module in PURE
        for name in list_imports(module)
        if name != "pathlib.PurePosixPath"  # it touches no file
        if any(f"{name}.".startswith(f"{each}.") for each in NEVER_IN_PURE_CODE)
    ]
    found += [line for module in PURE for line in called(module, {"open", "eval", "exec"})]
    assert found == []


def test_nothing_from_outside_is_executed():
    """No code of a repository is run: nothing is evaluated, compiled or unpickled."""
    names = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads"}
    names |= {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "marshal.loads", "runpy.run_path"}
    assert [line for module in list_modules() for line in called(module, names)] == []


def test_no_shell():
    """No child is started through a shell."""
    found = [
        f"{module.place}:{node.lineno}"
        for module in list_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg == "shell"
    ]
    assert found == []


def test_the_emulator_prints_in_one_place():
    """The emulator prints and exits in its main module only."""
    names = CALLS["print"][1] | CALLS["exit"][1]
    main = ("planasonix_emulator.__main__",)
    found = [
        line for m in list_modules("planasonix_emulator") if not allowed(m, main) for line in called(m, names)
    ]
    assert found == []
