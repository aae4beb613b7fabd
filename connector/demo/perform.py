"""Sets the stage, plays the days, reads every account, and writes the report."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.clock import SystemClock
from connector.demo.admin import Admin
from connector.demo.children import Child, wait_until
from connector.demo.compose import Played, rehearsed
from connector.demo.face import Face
from connector.demo.planner import Planner
from connector.demo.play import Diary, Scene, play
from connector.demo.stage import CURRENCY, SITE, Stage
from connector.demo.worlds import Lived, days_of, live_by_the_rule, relive, same
from connector.errors import EXIT_DONE, ConfigError, ReplenishError
from connector.ledger.sqlite import SqliteLedger
from connector.sandbox.options import SandboxOptions
from connector.site.account import Account, read_account
from connector.telemetry.report import ReportData, write_report
from connector.telemetry.report.data import OURS
from connector.telemetry.report.drawing import require_matplotlib
from connector.twin.scenario import WorldOptions

START_SECONDS = 60.0
STOP_SECONDS = 20.0
REPORT = "report.html"
_STATE, _READY = "sandbox-state.jsonl", "sandbox.json"
_MINE = frozenset(
    {
        "replenishd.yaml",
        "state",
        _STATE,
        _READY,
        "sandbox.log",
        "daemon.log",
        "erp-password",
        REPORT,
    }
)


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """How large and how long; the commands are the two programs the demo starts."""

    days: int = 60
    items: int = 200
    regions: int = 6
    seed: int = 7
    history_days: int = 90
    out: Path = Path("demo-out")
    sandbox: tuple[str, ...] = (sys.executable, "-m", "connector.sandbox")
    daemon: tuple[str, ...] = (sys.executable, "-m", "connector", "run")

    def __post_init__(self) -> None:
        """Refuse a demo that cannot show both modes."""
        if self.days < 2:  # noqa: PLR2004
            raise ConfigError(
                f"a demo of {self.days} days cannot be half shadow, half live",
                hint="use --days 2 or more",
            )

    @property
    def world(self) -> WorldOptions:
        """Return what the sandbox is made from."""
        return WorldOptions(
            items=self.items,
            regions=self.regions,
            seed=self.seed,
            history_days=self.history_days,
        )


def perform(
    options: DemoOptions,
    clock: SystemClock,
    *,
    on_day: Callable[[Diary], None],
    say: Callable[[str], None],
) -> ReportData:
    """Play the demo, write the report into `options.out`, and return what it shows.

    Every process it starts has ended when it returns or raises.
    """
    require_matplotlib()
    begun = clock.monotonic()
    _clear(options.out)
    left = _live(options, clock, on_day, say)
    say("reading the ledger; living through the same days under the ERP's rule alone")
    played = Played(
        diary=left.diary,
        account=_account(left.stage, left.diary),
        ours=_relived(options, left),
        rule=live_by_the_rule(options.world, len(left.diary.days)),
        sandbox_ledger=left.filed,
        plants=left.stage.plants,
        labels=left.stage.labels,
        facts=_facts(options, left.diary, clock.monotonic() - begun),
    )
    data = rehearsed(played, clock.now())
    say("drawing the report")
    write_report(data, options.out / REPORT)
    return data


@dataclass(frozen=True, kw_only=True)
class _Left:
    """What the two processes left behind."""

    stage: Stage
    diary: Diary
    days: list[dict[str, Any]]  # the sandbox's account, its history included
    filed: list[dict[str, Any]]


def _live(
    options: DemoOptions,
    clock: SystemClock,
    on_day: Callable[[Diary], None],
    say: Callable[[str], None],
) -> _Left:
    with _scene(options, clock) as scene:
        say(f"sandbox and daemon run; watch {scene.stage.web}")
        diary = play(scene, options.days, on_day)
        left = _Left(
            stage=scene.stage, diary=diary, days=scene.admin.days(), filed=scene.admin.ledger()
        )
        code = scene.daemon.stop(STOP_SECONDS)
        if code != EXIT_DONE:
            raise scene.daemon.failed(f"did not leave cleanly on SIGTERM but with code {code}")
    return left


@contextmanager
def _scene(options: DemoOptions, clock: SystemClock) -> Iterator[Scene]:
    """Start both processes, each ready, and end both however this is left."""
    out = options.out
    ready = out / _READY
    with Child("sandbox", _sandbox_command(options), out / "sandbox.log") as sandbox:
        wait_until(
            ready.exists, what="start", seconds=START_SECONDS, clock=clock, children=[sandbox]
        )
        stage = _stage(options, _ready(ready))
        stage.write("shadow")
        command = (*options.daemon, "--config", str(stage.config))
        with (
            Child("daemon", command, out / "daemon.log") as daemon,
            closing(Admin(stage.admin)) as admin,
            closing(Face(stage.web)) as face,
        ):
            wait_until(
                lambda: face.site() is not None,
                what="start",
                seconds=START_SECONDS,
                clock=clock,
                children=[sandbox, daemon],
            )
            yield Scene(
                stage=stage,
                admin=admin,
                face=face,
                sandbox=sandbox,
                daemon=daemon,
                clock=clock,
                planner=Planner(directory=stage.state_dir / SITE, clock=clock),
            )


def _sandbox_command(options: DemoOptions) -> tuple[str, ...]:
    world = options.world
    return (
        *options.sandbox,
        *("--port", "0", "--admin-port", "0"),
        *("--items", str(world.items), "--regions", str(world.regions)),
        *("--seed", str(world.seed), "--history-days", str(world.history_days)),
        *("--state", str(options.out / _STATE), "--ready-file", str(options.out / _READY)),
    )


def _ready(file: Path) -> dict[str, str]:
    """Return the addresses the sandbox listens on."""
    try:
        said = json.loads(file.read_bytes())
        return {"url": str(said["url"]), "admin": str(said["admin"])}
    except (OSError, ValueError, KeyError) as error:
        raise ReplenishError(
            f"the sandbox wrote {file}, which cannot be read: {error}", hint="read sandbox.log"
        ) from error


def _stage(options: DemoOptions, ready: dict[str, str]) -> Stage:
    password = options.out / "erp-password"
    password.touch(mode=0o600)
    password.write_text(SandboxOptions().password + "\n", encoding="utf-8")
    plants = tuple(str(1000 + 10 * number) for number in range(options.regions + 1))
    return Stage(
        out=options.out.resolve(),
        erp=ready["url"],
        admin=ready["admin"],
        web_port=_free_port(),
        plants=plants,
        client=SandboxOptions().client,
        username=SandboxOptions().user,
        password_file=password,
        labels={
            plant: "central" if plant == plants[0] else f"region {number}"
            for number, plant in enumerate(plants)
        },
    )


def _free_port() -> int:
    """Return a port that was free a moment ago: the daemon's page needs a known address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _clear(out: Path) -> None:
    """Make the folder, or empty it of an earlier demo; refuse a folder with anything else."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        foreign = sorted(each.name for each in out.iterdir() if each.name not in _MINE)
        if foreign:
            raise ConfigError(
                f"{out} holds {foreign[0]}, which is not of a demo", hint="choose another --out"
            )
        for each in out.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be used: {error.strerror}", hint="choose another --out"
        ) from error


def _relived(options: DemoOptions, left: _Left) -> Lived:
    """Live through the sandbox's days again, and require that they are the same to the unit."""
    lived = relive(options.world, options.out / _STATE)
    since = left.diary.first_day.isoformat()
    if not same(lived.days, days_of([day for day in left.days if day["day"] >= since], OURS)):
        raise ReplenishError(
            "the sandbox's days cannot be lived through again from its state file",
            hint=f"keep {options.out} and report it",
        )
    return lived


def _account(stage: Stage, diary: Diary) -> Account:
    with closing(SqliteLedger.open_reader(stage.state_dir / SITE)) as ledger:
        return read_account(
            ledger,
            SITE,
            diary.first_day,
            diary.reviews[-1]["day"],
            seconds={review["review"]: sum(review["seconds"].values()) for review in diary.reviews},
            foreign=False,
        )


def _facts(options: DemoOptions, diary: Diary, seconds: float) -> tuple[tuple[str, str], ...]:
    caps = ", ".join(f"{name} {money:,.0f}" for name, money in diary.budget.items())
    network = f"{options.items} items, 1 central and {options.regions} regional nodes"
    made = f"seed {options.seed}, {options.history_days} days of history"
    return (
        ("Network", f"{network}; {made}."),
        ("Money caps in live", f"{caps} {CURRENCY}" if caps else "None: nothing went live."),
        ("This run", f"{len(diary.reviews)} reviews in {seconds:.0f} s on one machine."),
    )
