"""Several processes that train one network: `torchrun` starts them, and each draws its own chains.

All of them hold the same weights, since all start with them and follow the same mean gradient; what
differs is what was drawn. A process of its own is the only one, and nothing here costs it anything.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Generator, Tensor, nn

from connector.errors import ConfigError

DEVICES = ("cpu", "cuda")
_APART = 7_919  # between the seeds of two processes


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """Join the processes that `torchrun` started: nccl on CUDA, gloo elsewhere."""
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def device_of(name: str) -> torch.device:
    """Return this process's device; raise ConfigError for one that there is not."""
    if name not in DEVICES:
        raise ConfigError(f"there is no device {name!r}", hint=f"one of {', '.join(DEVICES)}")
    if name == "cpu":
        return torch.device("cpu")
    here, there = _local_rank(), torch.cuda.device_count()
    if here >= there:
        raise ConfigError(
            f"process {here} of this machine has no CUDA device of its own: there are {there}",
            hint="start as many processes as there are devices, or use --device cpu",
        )
    torch.cuda.set_device(here)
    return torch.device("cuda", here)


def _local_rank() -> int:
    launched = dist.is_available() and dist.is_torchelastic_launched()
    return dist.get_node_local_rank() if launched else 0


def processes() -> int:
    """Return how many train together."""
    return dist.get_world_size() if _several() else 1


def rank() -> int:
    """Return this one's number; number 0 shows and writes."""
    return dist.get_rank() if _several() else 0


def _several() -> bool:
    return dist.is_available() and dist.is_initialized()


def part_ways(chance: Generator, seed: int) -> None:
    """Let each process draw its own from here on; the first one, and a single one, go on."""
    if rank():
        chance.manual_seed(seed + _APART * rank())


def average_gradients(*networks: nn.Module) -> None:
    """Give every process the mean of all processes' gradients."""
    if not _several():
        return
    weights = [weight for network in networks for weight in network.parameters()]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    parts = (flat / processes()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def mean(figure: float) -> float:
    """Return the mean of all processes' figures, the same for all."""
    if not _several():
        return figure
    total = torch.tensor([figure], dtype=torch.float64, device=_meeting_place())
    dist.all_reduce(total)
    return float(total) / processes()


def gathered(tensors: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """Return every process's tensors, by process; all must have the same names and shapes."""
    if not _several():
        return [dict(tensors)]
    each: list[dict[str, Tensor]] = [{} for _ in range(processes())]
    for name, tensor in _in_order(tensors):
        mine = tensor.detach().to(_meeting_place()).contiguous()
        parts = [torch.empty_like(mine) for _ in each]
        dist.all_gather(parts, mine)
        for told, part in zip(each, parts, strict=True):
            told[name] = part.cpu()
    return each


def _in_order(tensors: Mapping[str, Tensor]) -> Iterable[tuple[str, Tensor]]:
    return sorted(tensors.items(), key=lambda item: item[0])


def _meeting_place() -> torch.device:
    cuda = dist.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")
