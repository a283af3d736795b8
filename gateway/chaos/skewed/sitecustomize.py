"""Moves the wall clock of one process, while it runs, by what stands in a file.

libfaketime does the same for programs that ask the C library; these processes ask Python. The
file has eight bytes, nanoseconds with a sign, and is named after the program: `procs.NAME`.
"""

import mmap
import os
import struct
import sys
import time
from pathlib import Path


def _program() -> str:
    """`executor` of `python -m procs.executor`."""
    return next((one[6:] for one in sys.orig_argv if one.startswith("procs.")), "")


def _move(path: Path) -> None:
    with path.open("rb") as file:
        shared = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    unpack, true_ns = struct.Struct("<q").unpack_from, time.time_ns

    def time_ns() -> int:
        return true_ns() + int(unpack(shared)[0])

    def seconds() -> float:
        return time_ns() / 1e9

    time.time_ns, time.time = time_ns, seconds


_folder = os.environ.get("GATEWAY_CHAOS_CLOCKS")
if _folder and (_path := Path(_folder, _program())).is_file():
    _move(_path)
