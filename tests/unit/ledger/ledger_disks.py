"""Disks that fail and disks that lose power, as SQLite sees them."""

from __future__ import annotations

import random
from pathlib import Path

import apsw


class FragileDisk(apsw.VFS):
    """Keeps, after a power loss, what was synced and any of the sectors that were not."""

    def __init__(self) -> None:
        self.images: dict[str, bytearray] = {}
        self.pending: dict[str, list[tuple[int, bytes]]] = {}
        super().__init__("fragile-disk", base="")

    def xOpen(self, name, flags):  # noqa: N802
        return FragileFile(self, name, flags)

    def xDelete(self, name, sync_directory):  # noqa: N802
        self.images.pop(name, None)
        self.pending.pop(name, None)
        super().xDelete(name, sync_directory)

    def lose_power(self, rng: random.Random, after: Path) -> Path:
        """Leave in `after` what a machine would find there; the old files stay in use."""
        after.mkdir()
        for name, image in self.images.items():
            for offset, sector in self.pending.get(name, []):
                if rng.random() < 0.5:
                    put(image, offset, sector)
            (after / Path(name).name).write_bytes(image)
        return after


class FragileFile(apsw.VFSFile):
    def __init__(self, disk, name, flags) -> None:
        self.disk, self.name = disk, name.filename() if hasattr(name, "filename") else str(name)
        super().__init__("", name, flags)
        self.disk.images.setdefault(self.name, bytearray())

    def xWrite(self, data, offset):  # noqa: N802
        sectors = self.disk.pending.setdefault(self.name, [])
        for at in range(0, len(data), 512):
            sectors.append((offset + at, bytes(data[at : at + 512])))
        super().xWrite(data, offset)

    def xSync(self, flags):  # noqa: N802
        for offset, sector in self.disk.pending.pop(self.name, []):
            put(self.disk.images[self.name], offset, sector)
        super().xSync(flags)

    def xTruncate(self, size):  # noqa: N802
        del self.disk.images[self.name][size:]
        super().xTruncate(size)


def put(image: bytearray, offset: int, sector: bytes) -> None:
    if len(image) < offset:
        image.extend(b"\0" * (offset - len(image)))
    image[offset : offset + len(sector)] = sector


class BrokenDisk(apsw.VFS):
    """The real disk until told to fail: how a full or dying one looks to SQLite."""

    def __init__(self) -> None:
        self.error: apsw.Error | None = None
        self.name = "broken-disk"
        super().__init__(self.name, base="")

    def xOpen(self, name, flags):  # noqa: N802
        return BrokenFile(self, name, flags)


class BrokenFile(apsw.VFSFile):
    def __init__(self, disk, name, flags) -> None:
        self.disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data, offset):  # noqa: N802
        if self.disk.error is not None:
            raise self.disk.error
        super().xWrite(data, offset)
