"""python -m policies: make keys, train, benchmark, export and verify policies."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

import connector
from connector.clock import SystemClock
from connector.errors import ConfigError, ReplenishError
from connector.policy.bundle import load_bundle
from connector.policy.trust import Trust, key_id

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
_SHIPPED = Path(__file__).parent / "bundles"
_REWARDS = Path(__file__).parent.parent / "config" / "rewards.yaml"
_OWNER_ONLY = 0o600
_COMPANION = ("torch", "onnx", "safetensors", "matplotlib")  # of the optional extra `train`

KeyFile = Annotated[Path, typer.Option("--key", help="private signing key (PEM); kept out of git")]
Directory = Annotated[Path, typer.Option("--out", help="directory of the bundle")]
TrustedKeys = Annotated[Path, typer.Option("--trusted", help="directory of public keys (*.pem)")]


@app.command()
def keygen(key: KeyFile, trusted: TrustedKeys = _SHIPPED / "trusted") -> None:
    """Make an ed25519 key pair: the private key for its owner only, the public key to trust."""
    private = Ed25519PrivateKey.generate()
    octets = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWNER_ONLY)
    except OSError as error:
        raise ConfigError(
            f"{key} cannot be made: {error.strerror}", hint="name a new file"
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(octets)
    public = private.public_key()
    trusted.mkdir(parents=True, exist_ok=True)
    place = trusted / f"{key_id(public)}.pem"
    place.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    typer.echo(f"private key {key}, public key {place}")


@app.command()
def export(
    key: KeyFile,
    out: Directory = _SHIPPED / "order-up-to-1",
    seed: Annotated[int, typer.Option(help="decides the whole training run")] = 1,
    years: Annotated[int, typer.Option(min=1, help="until the policy expires")] = 5,
    created_on: Annotated[str, typer.Option(help="YYYY-MM-DD")] = "",
    like: Annotated[
        Path | None, typer.Option(help="a model whose weights are kept: a changed encoder only")
    ] = None,
) -> None:
    """Train the order-up-to policy, judge it against the exact levels, export and sign it."""
    from policies.order_up_to import Recipe  # noqa: PLC0415 - torch, only where it is needed
    from policies.release import release  # noqa: PLC0415

    day = date.fromisoformat(created_on) if created_on else _today()
    release(
        Recipe(seed=seed),
        _private_key(key),
        out,
        created_on=day,
        expires_on=_years_after(day, years),
        tell=typer.echo,
        like=like.read_bytes() if like else None,
    )


@app.command()
def train(
    out: Annotated[Path, typer.Option("--out", help="directory of the run")],
    family: Annotated[str, typer.Option(help="lost-sales or distribution")] = "lost-sales",
    algorithm: Annotated[str, typer.Option(help="hindsight, ppo or dqn")] = "hindsight",
    updates: Annotated[
        int | None, typer.Option(min=1, help="how many; as suits the family unless given")
    ] = None,
    seed: Annotated[int, typer.Option(help="decides everything that is drawn")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="of the processor, per process")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    rewards: Annotated[Path, typer.Option(help="what planners want, for a site")] = _REWARDS,
    start: Annotated[Path | None, typer.Option(help="a run to go on from")] = None,
) -> None:
    """Train one network for a family of instances; after a kill, the same command goes on.

    Several processes: torchrun --nproc-per-node N -m policies train ...
    """
    from policies.rewards import read_rewards  # noqa: PLC0415
    from policies.training import train_family  # noqa: PLC0415 - torch, only where it is needed

    train_family(
        out,
        family,
        algorithm=algorithm,
        updates=updates,
        seed=seed,
        threads=threads,
        device=device,
        rewards=read_rewards(rewards),
        start=start,
        tell=typer.echo,
    )


@app.command()
def benchmark(
    which: Annotated[str, typer.Argument(help="zipkin, zero-shot, serial, network or speed")],
    run: Annotated[Path | None, typer.Option("--run", help="directory of a trained run")] = None,
    threads: Annotated[int, typer.Option(min=1, help="of the processor")] = 1,
) -> None:
    """Measure a trained run on public instances, or beside textbook planning; print a table."""
    from policies.benchmarks.tables import BENCHMARKS  # noqa: PLC0415

    if which not in BENCHMARKS:
        raise ConfigError(
            f"there is no benchmark {which!r}", hint=f"one of {', '.join(BENCHMARKS)}"
        )
    BENCHMARKS[which](run, threads, typer.echo)


@app.command()
def evaluate(
    policy: Annotated[Path, typer.Argument(help="a signed bundle, or the directory of a run")],
    page: Annotated[Path, typer.Option("--out", help="HTML page to write")],
    trusted: TrustedKeys = _SHIPPED / "trusted",
    rewards: Annotated[Path, typer.Option(help="what planners want")] = _REWARDS,
    fill: Annotated[float, typer.Option(min=0.5, max=0.999, help="fill rate of all")] = 0.98,
    years: Annotated[int, typer.Option(min=1, max=50, help="judged, side by side")] = 3,
    items: Annotated[int, typer.Option(min=1, max=5_000, help="of the world")] = 200,
    regions: Annotated[int, typer.Option(min=1, max=50, help="below the centre")] = 6,
    world: Annotated[int, typer.Option(help="seed of the world")] = 7,
    seed: Annotated[int, typer.Option(help="of the years")] = 501,
    growth: Annotated[float, typer.Option(help="of demand, a year; 0.1 = a tenth")] = 0.0,
    promotions: Annotated[float, typer.Option(help="odds that one begins, a day")] = 0.0,
    together: Annotated[float, typer.Option(help="spread of what moves all items alike")] = 0.0,
) -> None:
    """Judge a policy beside textbook planning, through the fail-safes, at the same fill rate."""
    from connector.twin.demand import Moves  # noqa: PLC0415
    from connector.twin.scenario import WorldOptions  # noqa: PLC0415
    from policies.proving.evaluation import Proving  # noqa: PLC0415 - torch, only where needed
    from policies.proving.judged import judge  # noqa: PLC0415
    from policies.rewards import read_rewards  # noqa: PLC0415

    ground = Proving(
        world=WorldOptions(items=items, regions=regions, seed=world),
        years=years,
        seed=seed,
        target=fill,
        rewards=read_rewards(rewards),
        moves=Moves(growth=growth, promotion_odds=promotions, spread=together),
    )
    judge(policy, ground, trusted=trusted, page=page, today=_today(), tell=typer.echo)


@app.command()
def ship(
    run: Annotated[Path, typer.Argument(help="directory of a trained run")],
    key: KeyFile,
    out: Directory,
    policy_id: Annotated[str, typer.Option(help="what the policy is called")],
    version: Annotated[str, typer.Option(help="of the policy")] = "1",
    years: Annotated[int, typer.Option(min=1, help="until the policy expires")] = 5,
) -> None:
    """Export a trained run as a signed bundle that a site admits."""
    from policies.bundling import Identity  # noqa: PLC0415
    from policies.runs import family_of, load  # noqa: PLC0415
    from policies.shipping import ship as shipped  # noqa: PLC0415

    card, network = load(run)
    day = _today()
    shipped(
        network,
        family_of(card.family),
        Identity(
            policy_id=policy_id,
            version=version,
            created_on=day,
            expires_on=_years_after(day, years),
            connector_minimum="0.1.0",
        ),
        _private_key(key),
        out,
        recipe=card.recipe,
        evaluation=card.figures,
        tell_user=typer.echo,
    )


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="directory of the bundle")],
    trusted: TrustedKeys = _SHIPPED / "trusted",
) -> None:
    """Load a bundle as a site would, every check included, and say what it is."""
    admitted = load_bundle(
        bundle,
        Trust.read(sorted(trusted.glob("*.pem"))),
        today=_today(),
        connector_version=connector.__version__,
        hard_links=True,
    )
    typer.echo(f"{admitted.name}  sha256 {admitted.digest}")
    typer.echo(f"signed by {', '.join(admitted.signed_by)}; until {admitted.manifest.expires_on}")
    typer.echo(f"golden vectors within {admitted.golden_difference:.2g}")
    for name, value in admitted.manifest.evaluation.items():
        typer.echo(f"  {name:<32}{value:>12.5f}")


def _today() -> date:
    return SystemClock().now().date()


def _years_after(day: date, years: int) -> date:
    """Return the same day of a later year, none of those that a year may lack."""
    return day.replace(year=day.year + years, day=min(day.day, 28))


def _private_key(path: Path) -> Ed25519PrivateKey:
    hint = "make one with `python -m policies keygen --key FILE`"
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"signing key {path} cannot be read", hint=hint) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"signing key {path} is a {type(key).__name__}", hint=hint)
    return key


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a failure is one sentence and an exit code."""
    try:
        app(arguments)
    except ModuleNotFoundError as error:
        if error.name not in _COMPANION:
            raise
        missing = ConfigError(
            f"{error.name} is not installed", hint="pip install 'replenishd[train]'"
        )
        typer.echo(f"policies: {missing}", err=True)
        raise SystemExit(missing.exit_code) from error
    except ReplenishError as error:
        typer.echo(f"policies: {error}", err=True)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
