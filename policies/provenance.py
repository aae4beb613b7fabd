"""What a run was made by: which commit of the code, which versions, on which hardware."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent
_GIT_SECONDS = 10.0
_PACKAGES = ("replenishd", "torch", "numpy", "safetensors")


def revision(directory: Path) -> dict[str, Any] | None:
    """Return the commit that a directory's code is of, and whether it was changed since.

    None where git is not installed, or does not know the code.
    """
    try:
        commit = _git(directory, "rev-parse", "--verify", "HEAD")
        # A copy of the code inside somebody else's repository has no revision
        _git(directory, "ls-files", "--error-unmatch", "--", ".")
        changes = _git(directory, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "changed": bool(changes)}


def _git(directory: Path, *words: str) -> str:
    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git")
    # A repository's own settings could name a program to run; its hooks' variables another one
    asked = [program, "-c", "core.fsmonitor=false", "-C", os.fspath(directory), *words]
    done = subprocess.run(  # noqa: S603 - no shell, and nothing in it comes from outside
        asked, capture_output=True, check=True, text=True, timeout=_GIT_SECONDS, env={}
    )
    return done.stdout.strip()


def hardware() -> dict[str, Any]:
    """Return what the run was made on."""
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "accelerators": [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str | None]:
    """Return the versions of what a run's figures rest on; None = not installed as a package."""
    return {name: _version(name) for name in _PACKAGES}
