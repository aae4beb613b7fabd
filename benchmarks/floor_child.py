"""The floor: the same pages with requests and orjson, parsed and dropped, in its own process.

python benchmarks/floor_child.py REVIEW OUT
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import orjson
import requests


def main(review: Path, out: Path) -> None:
    begun = time.monotonic()
    session = requests.Session()
    session.auth = ("REPLENISHD", "sandbox")
    session.headers["Accept"] = "application/json"
    rows = 0
    for url in json.loads(review.read_text())["urls"]:
        answer = session.get(url, timeout=600)
        answer.raise_for_status()
        page = orjson.loads(answer.content)["d"]
        rows += len(page.get("results", ()) if isinstance(page, dict) else page)
    used = resource.getrusage(resource.RUSAGE_SELF)
    out.write_text(
        json.dumps(
            {
                "wall": time.monotonic() - begun,
                "cpu": used.ru_utime + used.ru_stime,
                "rss": used.ru_maxrss / 1024,
                "rows": rows,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
