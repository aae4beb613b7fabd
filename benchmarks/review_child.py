"""One review in its own process; writes what it cost and every page it asked for.

python benchmarks/review_child.py CONFIG OUT
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from connector import cycle
from connector.bootstrap import clock_of, wiring_of
from connector.settings import load
from connector.site.desk import Desk
from connector.telemetry.metrics import Meter


def main(config: Path, out: Path) -> None:
    begun = time.monotonic()
    calls, spent = [], {}
    cycle.screen = timed("fail-safes", cycle.screen, spent)
    configuration = load(config)
    site = configuration.settings.sites[0]
    clock, meter = clock_of(configuration.settings), Meter(version="bench", process=False)
    wiring = wiring_of(configuration, site, clock, meter, trace=calls.append)
    recommend = type(wiring.policy).recommend
    type(wiring.policy).recommend = timed("policy", recommend, spent)
    desk = Desk(wiring, configuration.settings.state_dir / site.name, clock, meter)
    peaks = {"start": peak()}
    took = meter.took
    meter.took = lambda name, step, seconds: (
        peaks.__setitem__(step, peak()),
        took(name, step, seconds),
    )
    report = desk.review_once()
    seconds = dict(desk.notes.seconds)
    desk.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    out.write_text(
        json.dumps(
            {
                "wall": time.monotonic() - begun,
                "cpu": used.ru_utime + used.ru_stime,
                "rss": used.ru_maxrss / 1024,
                "seconds": seconds,
                "policy_guards": sum(spent.values()),
                "spent": spent,
                "peaks": peaks,
                "items": report.items,
                "ordered": report.ordered,
                "calls": len(calls),
                "octets": sum(call.octets for call in calls),
                "urls": [c.url for c in calls if c.method == "GET" and "$metadata" not in c.url],
            }
        )
    )


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(name, function, spent):
    def timing(*words, **named):
        begun = time.monotonic()
        try:
            return function(*words, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.monotonic() - begun

    return timing


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
