"""pyodata's own bulk read beside ours: the same rows of the same entity set, whole processes.

    python benchmarks/pyodata_read.py              # 10k and 50k rows, 3 pairs each

Both read A_ProductSupplyPlanning of all plants, the same fields, pages of 5000, following the
server's next links (absolute ones, the only kind pyodata follows). The floor is requests + orjson.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import orjson
import requests
from review import nodes, sandbox

ROOT = Path(__file__).resolve().parent.parent
SERVICE, ENTITY_SET = "API_PRODUCT_SRV", "A_ProductSupplyPlanning"
PAGE = 5000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "bench-out" / "pyodata")
    options = parser.parse_args()
    print("| rows | reader | wall s | CPU s | CPU against floor | peak RSS MiB |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        out = options.out / str(size)
        out.mkdir(parents=True, exist_ok=True)
        (out / "ready.json").unlink(missing_ok=True)
        erp, told = sandbox(out, round(size / 7))
        try:
            requests.post(f"{told['admin']}/habits", json={"next_link": "absolute"}, timeout=60)
            rounds = [
                {name: child(name, told["url"]) for name in ("floor", "ours", "pyodata")}
                for _ in range(options.pairs)
            ]
        finally:
            erp.terminate()
            erp.wait(30)
        for name in ("floor", "ours", "pyodata"):
            rows = [each[name] for each in rounds]
            middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
            ratio = statistics.median(each[name]["cpu"] / each["floor"]["cpu"] for each in rounds)
            print(
                f"| {middle['rows']:,.0f} | {name} | {middle['wall']:.2f} | {middle['cpu']:.2f} |"
                f" {ratio:.2f} | {middle['rss']:.0f} |"
            )
    return 0


def child(name: str, url: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, url],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def fields() -> list[str]:
    from connector.erp.sap.item_reads import SUPPLY_PLANNING

    return [each.name for each in SUPPLY_PLANNING.fields]


def session() -> requests.Session:
    opened = requests.Session()
    opened.auth = ("REPLENISHD", "sandbox")
    opened.headers["Accept"] = "application/json"
    return opened


def plants_filter() -> str:
    return " or ".join(f"Plant eq '{node}'" for node in nodes())


def floor(url: str) -> int:
    opened, rows = session(), 0
    query = {"$filter": plants_filter(), "$select": ",".join(fields()), "$top": "100000000"}
    at = f"{url}/sap/opu/odata/sap/{SERVICE}/{ENTITY_SET}"
    answer = opened.get(at, params={**query, "sap-client": "100"}, timeout=600)
    while True:
        answer.raise_for_status()
        page = orjson.loads(answer.content)["d"]
        rows += len(page["results"])
        if "__next" not in page:
            return rows
        answer = opened.get(page["__next"], timeout=600)


def ours(url: str) -> int:
    from connector.clock import SystemClock
    from connector.erp.odata.connection import Basic, Connection
    from connector.erp.odata.fetch import Fetcher
    from connector.erp.odata.transport import Transport
    from connector.erp.sap.item_reads import SUPPLY_PLANNING

    connection = Connection(
        base_url=url, client="100", credentials=Basic(user="REPLENISHD", password="sandbox")
    )
    fetcher = Fetcher(Transport(connection, SystemClock()))
    return fetcher.fetch(SUPPLY_PLANNING, {"plants": tuple(nodes())}).rows.frame.height


def pyodata(url: str) -> int:
    import pyodata as library
    from pyodata.v2.model import Config, PolicyIgnore

    logging.disable(logging.CRITICAL)
    config = Config(default_error_policy=PolicyIgnore(), retain_null=True)
    client = library.Client(f"{url}/sap/opu/odata/sap/{SERVICE}", session(), config=config)
    entity_set = getattr(client.entity_sets, ENTITY_SET)
    rows = 0
    request = entity_set.get_entities().filter(plants_filter()).select(",".join(fields()))
    request = request.top(100_000_000)
    while True:
        answer = request.execute()
        for entity in answer:
            [getattr(entity, name) for name in fields()]
            rows += 1
        if answer.next_url is None:
            return rows
        request = entity_set.get_entities().next_url(answer.next_url)


def measured(name: str, url: str) -> None:
    begun = time.monotonic()
    rows = {"floor": floor, "ours": ours, "pyodata": pyodata}[name](url)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "rows": rows,
                "wall": time.monotonic() - begun,
                "cpu": used.ru_utime + used.ru_stime,
                "rss": used.ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        measured(sys.argv[2], sys.argv[3])
    else:
        sys.exit(main())
