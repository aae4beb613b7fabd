"""One review at two sizes, beside the plain download of the same pages in the same run.

    python benchmarks/review.py                # 10k and 100k item-nodes, 3 pairs each
    python benchmarks/review.py --sizes 10000 --pairs 1

The floor is `requests` + `orjson.loads` fetching exactly the pages the review asked for, one after
the other. Every figure is of a whole process: wall time, CPU time of that process, peak memory.
The review is the second one of a site: history is known, only what moved since is read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
REGIONS = 6
GOALS = {"wall": 1.5, "cpu": 2.5, "rss": 600.0, "decide": 1.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    rows = [measured(size, options.pairs, options.out / str(size)) for size in options.sizes]
    (options.out / "review.json").write_text(json.dumps(rows, indent=1))
    print(table(rows))
    return 0


def measured(size: int, pairs: int, out: Path) -> dict[str, object]:
    """Return the medians of some pairs at one size."""
    out.mkdir(parents=True)
    items = round(size / (REGIONS + 1))
    erp, told = sandbox(out, items)
    try:
        config = configured(out, told)
        requests.post(f"{told['admin']}/planning", json=dict.fromkeys(nodes(), "none"), timeout=60)
        first = child("review_child.py", config, out / "first.json")
        requests.post(f"{told['admin']}/clock/advance", json={"days": 1}, timeout=600)
        state, kept = out / "state", out / "kept"
        shutil.copytree(state, kept)
        reviews, floors = [], []
        for _ in range(pairs):
            shutil.rmtree(state)
            shutil.copytree(kept, state)
            reviews.append(child("review_child.py", config, out / "review.json"))
            floors.append(child("floor_child.py", out / "review.json", out / "floor.json"))
    finally:
        erp.terminate()
        erp.wait(30)
    return summary(first, reviews, floors)


def summary(first: dict, reviews: list[dict], floors: list[dict]) -> dict[str, object]:
    middle = {
        name: statistics.median(each[name] for each in reviews)
        for name in ("wall", "cpu", "rss", "calls", "octets", "items", "policy_guards")
    }
    steps = {
        name: statistics.median(each["seconds"][name] for each in reviews)
        for name in reviews[0]["seconds"]
    }
    floor = {
        name: statistics.median(each[name] for each in floors)
        for name in ("wall", "cpu", "rss", "rows")
    }
    ratios = {
        name: statistics.median(a[name] / b[name] for a, b in zip(reviews, floors, strict=True))
        for name in ("wall", "cpu")
    }
    return {
        "review": middle,
        "steps": steps,
        "floor": floor,
        "ratio": ratios,
        "first": {name: first[name] for name in ("wall", "cpu", "rss")},
    }


def table(rows: list[dict]) -> str:
    lines = [
        "| item-nodes | review wall s | floor wall s | ratio | review CPU s | floor CPU s | ratio |"
        " peak RSS MiB | pull | decide | record | policy + fail-safes s | rows | MB |"
        " first wall s |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        review, floor, ratio, steps = row["review"], row["floor"], row["ratio"], row["steps"]
        cells = [
            f"{review['items']:,.0f}",
            f"{review['wall']:.2f}",
            f"{floor['wall']:.2f}",
            f"{ratio['wall']:.2f}",
            f"{review['cpu']:.2f}",
            f"{floor['cpu']:.2f}",
            f"{ratio['cpu']:.2f}",
            f"{review['rss']:.0f}",
            f"{steps['pull']:.2f}",
            f"{steps['decide']:.2f}",
            f"{steps['record']:.2f}",
            f"{review['policy_guards']:.2f}",
            f"{floor['rows']:,.0f}",
            f"{review['octets'] / 1e6:.0f}",
            f"{row['first']['wall']:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def nodes() -> list[str]:
    return ["1000", *(f"{1000 + 10 * k}" for k in range(1, REGIONS + 1))]


def sandbox(out: Path, items: int) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    ready = out / "ready.json"
    command = [
        sys.executable,
        "-m",
        "connector.sandbox",
        "--items",
        str(items),
        "--regions",
        str(REGIONS),
        "--history-days",
        "14",
        "--ready-file",
        str(ready),
    ]
    log = (out / "sandbox.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    begun = time.monotonic()
    while not (ready.exists() and ready.stat().st_size):
        if time.monotonic() - begun > 600 or process.poll() is not None:
            message = f"the sandbox did not start; read {out / 'sandbox.log'}"
            raise SystemExit(message)
        time.sleep(0.1)
    return process, json.loads(ready.read_text())


def configured(out: Path, told: dict[str, str]) -> Path:
    password = out / "password"
    password.write_text("sandbox")
    password.chmod(0o600)
    network = [
        {"plant": node} | ({} if node == "1000" else {"supplied_by": "1000"}) for node in nodes()
    ]
    document = {
        "version": 1,
        "state_dir": str(out / "state"),
        "clock": {"follow": told["admin"]},
        "sites": [
            {
                "name": "bench",
                "schedule": {"cron": "0 6 * * *"},
                "erp": {
                    "url": told["url"],
                    "auth": {
                        "kind": "basic",
                        "username": "REPLENISHD",
                        "password": f"${{file:{password}}}",
                    },
                },
                "network": {"nodes": network},
            }
        ],
    }
    path = out / "replenishd.yaml"
    path.write_text(json.dumps(document))
    return path


def child(script: str, *words: Path) -> dict:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(words[-1].read_text())


if __name__ == "__main__":
    sys.exit(main())
