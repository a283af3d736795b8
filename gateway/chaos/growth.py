"""What may grow: memory, file descriptors, journals, tables; looked at again and again."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.chaos import processes
from gateway.chaos.books import Books, Unreachable
from gateway.chaos.scene import Scene
from gateway.cli.stage import PROGRAMS

MIB = 1 << 20
WARM = 0.25
"""The first part of a run, in which caches fill, is left out of the slope."""


@dataclass(frozen=True, slots=True)
class Look:
    """`orders`: stored so far. Bytes by process, by journal and by table; open files by process."""

    at: float
    orders: int
    resident: dict[str, int]
    files: dict[str, int]
    journals: dict[str, int]
    tables: dict[str, int]


def look(scene: Scene, books: Books) -> Look | None:
    """None while the database does not answer."""
    try:
        orders, tables = books.count_orders(), books.sizes()
    except Unreachable:
        return None
    pids = {name: scene.pid(name) for name in PROGRAMS}
    return Look(
        at=time.monotonic(),
        orders=orders,
        resident={name: processes.resident_bytes(pid) for name, pid in pids.items()},
        files={name: processes.open_files(pid) for name, pid in pids.items()},
        journals={
            role: folder_bytes(scene.stage.home.journal(role)) for role in ("executor", "listener")
        },
        tables=tables,
    )


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class Trend:
    """From the end of the warm-up to the end; `per_order` by the line that fits best."""

    first: int
    last: int
    most: int
    per_order: float


def trend(looks: Iterable[tuple[int, int]]) -> Trend:
    """Of pairs of orders and size."""
    points = list(looks)
    warm = points[int(len(points) * WARM) :] or points
    sizes = [size for _, size in warm]
    return Trend(sizes[0], sizes[-1], max(sizes), _slope(warm))


def _slope(points: list[tuple[int, int]]) -> float:
    count = len(points)
    middle = sum(x for x, _ in points) / count
    height = sum(y for _, y in points) / count
    spread = sum((x - middle) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - middle) * (y - height) for x, y in points) / spread
