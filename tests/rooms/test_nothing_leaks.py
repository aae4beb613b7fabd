"""What is committed names no package registry, no path of a machine, and pins what it installs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("runtime.txt", "dev.txt", "build.txt")
# Built from pieces: this file is committed too.
REGISTRIES = "|".join(
    re.escape(".".join(parts))
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("conda", "anaconda"),
    )
)
MACHINE = "|".join(f"/{top}/" for top in ("work", "root", r"home/[a-z]+", "opt/wheels", "opt/pypi"))
ALLOWED_SUFFIXES = {".onnx", ".png", ".sig"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_no_registry_and_no_machine_path_is_committed():
    files = [each for each in tracked() if each.suffix not in ALLOWED_SUFFIXES]
    if not files:
        pytest.skip("not a checkout")
    pattern = re.compile(f"(?<![a-z0-9.])({REGISTRIES})|(?<![A-Za-z0-9.$}}{{_])({MACHINE})")
    leaks = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert leaks == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_hashes(name):
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert "://" not in text
    assert "file:" not in text
    lines = [
        line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    pins = [line for line in lines if not line.startswith(" ")]
    assert pins
    for pin in pins:
        assert re.fullmatch(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==[0-9][^ ;]*( ;.*)? \\", pin), pin
    hashes = [line for line in lines if line.startswith(" ")]
    assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes)


@pytest.mark.parametrize("name", LOCKS)
def test_what_runs_in_a_warehouse_holds_nothing_that_trains(name):
    pins = re.findall(
        r"^([a-z0-9._-]+)", (ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE
    )
    assert not {"torch", "onnx", "gymnasium"} & set(pins)


def test_the_development_pins_are_the_runtime_pins():
    pins = {
        name: dict(
            re.findall(
                r"^([a-z0-9._-]+)(?:\[[^\]]+\])?==([^ ]+)",
                (ROOT / "requirements" / name).read_text("utf-8"),
                re.MULTILINE,
            )
        )
        for name in LOCKS
    }
    for name in ("runtime.txt", "build.txt"):
        assert pins[name].items() <= pins["dev.txt"].items()


def test_a_registry_and_a_path_would_be_found():
    pattern = re.compile(f"(?<![a-z0-9.])({REGISTRIES})|(?<![A-Za-z0-9.$}}{{_])({MACHINE})")
    assert pattern.search("see " + "pypi" + ".org/x")
    assert pattern.search("open('" + "/wo" + "rk/main')")
    assert not pattern.search("STATE_DIR/work/x")
