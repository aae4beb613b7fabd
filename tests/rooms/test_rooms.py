"""Facts of the architecture: what no review of a single file can see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for room in ("connector", "policies")
    for path in (ROOT / room).rglob("*.py")
    if "__pycache__" not in path.parts
)
FILE_LINES = 300
FUNCTION_LINES = 40
# The ratchet: what is longer today may only get shorter, and leaves this list when it is short.
LONGER: dict[str, int] = {}
MODES = {"shadow", "validate", "live"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def dotted(node: ast.AST) -> str:
    """Return a.b.c of an attribute chain, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def uses(path: Path, wanted: set[str]) -> Iterator[str]:
    """Yield every use of a dotted name, however it was imported."""
    tree = tree_of(path)
    alias: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            alias |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            alias |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        head, _, rest = dotted(node).partition(".")
        full = f"{alias.get(head, head)}.{rest}".rstrip(".") if head in alias else ""
        if full in wanted:
            yield f"{named(path)}:{node.lineno}: {full}"


def found(wanted: set[str], allowed: tuple[str, ...], rooms: str = "connector/") -> list[str]:
    return [
        use
        for path in SOURCES
        if named(path).startswith(rooms) and not named(path).startswith(allowed)
        for use in uses(path, wanted)
    ]


CLOCKS = {
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"),
    *("datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"),
    *("time.clock_gettime", "time.sleep", "time.localtime", "time.gmtime"),
}


def test_only_the_clock_reads_the_clock():
    assert found(CLOCKS, ("connector/clock.py",)) == []


ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.putenv", "getpass.getuser"}
# Each of these reads what systemd or the operating system says of the process, no setting.
READS_OF_THE_PROCESS = ("connector/machine.py", "connector/demo/")


def test_only_settings_reads_the_environment():
    assert found(ENVIRONMENT, ("connector/settings/", *READS_OF_THE_PROCESS)) == []


def test_the_exceptions_read_nothing_but_the_process():
    for path in SOURCES:
        if named(path).startswith("connector/machine.py"):
            text = path.read_text("utf-8")
            assert re.findall(r"environ[^\n]*", text) == re.findall(
                r'environ\.get\("NOTIFY_SOCKET"[^\n]*', text
            )


RANDOM = {"random.random", "random.seed", "numpy.random.seed", "numpy.random.rand", "uuid.uuid1"}


def test_nothing_draws_from_a_global_random_state():
    assert found(RANDOM, (), "") == []


def compared_modes(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        words = {
            each.value
            for side in sides
            for each in ast.walk(side)
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
        names = {
            each.attr if isinstance(each, ast.Attribute) else each.id
            for side in sides
            for each in ast.walk(side)
            if isinstance(each, ast.Attribute | ast.Name)
        }
        if words & MODES and any("mode" in name for name in names):
            yield f"{named(path)}:{node.lineno}"


# A poster knows which one it is; report and demo tell in which mode something was done.
MODE_READERS = (
    *("connector/bootstrap.py", "connector/settings/", "connector/demo/"),
    *("connector/erp/sap/post.py", "connector/erp/memory.py", "connector/telemetry/report/"),
)


def test_a_mode_is_asked_for_only_where_the_poster_is_chosen():
    places = [
        place
        for path in SOURCES
        if not named(path).startswith(MODE_READERS)
        for place in compared_modes(path)
    ]
    assert places == []


def lengths(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the file and its functions: name, lines, lines allowed."""
    yield named(path), len(path.read_text("utf-8").splitlines()), FILE_LINES
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{named(path)}:{node.name}", lines, FUNCTION_LINES


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_files_and_functions_stay_readable(path):
    too_long = [
        f"{name}: {lines} lines, {LONGER.get(name, allowed)} allowed"
        for name, lines, allowed in lengths(path)
        if lines > LONGER.get(name, allowed)
    ]
    assert too_long == []


def test_the_ratchet_lists_nothing_that_is_short_by_now():
    still = {name for path in SOURCES for name, lines, allowed in lengths(path) if lines > allowed}
    assert set(LONGER) - still == set()


def test_every_module_has_a_noun_of_its_own():
    nothings = re.compile(r"util|helper|manager|common|misc|handler|processor")
    assert [named(path) for path in SOURCES if nothings.search(path.stem)] == []


def test_every_module_says_what_it_is_for():
    assert [named(path) for path in SOURCES if not ast.get_docstring(tree_of(path))] == []


def test_imports_keep_to_the_path_of_the_data():
    told = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout


UNWANTED = ("torch", "onnx", "gymnasium", "policies", "matplotlib", "pandas")


def test_the_daemon_loads_nothing_that_trains():
    program = (
        "import sys, connector.daemon\n"
        f"print([name for name in {UNWANTED!r} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[]"
