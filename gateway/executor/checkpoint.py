"""Everything the executor needs to go on from here without reading older records."""

import msgspec
from msgspec import Struct

from gateway.domain.codec import encode
from gateway.executor.memory import RememberedIds
from gateway.executor.orders import PlacedOrder
from gateway.executor.outbox import OutboxName
from gateway.executor.sticky import StickyCancel

VERSION = 1


class ExecutorCheckpoint(Struct, frozen=True, kw_only=True, tag="executor_checkpoint"):
    """Times in ns UTC. `latest` is the latest time seen, `floor` that of `IdMemory`,
    `acknowledged` the journal's number of the last record that the listener has."""

    outbox: OutboxName
    acknowledged: int = 0
    latest: int = 0
    floor: int = 0
    orders: tuple[PlacedOrder, ...] = ()
    cancels: tuple[StickyCancel, ...] = ()
    laid_by: tuple[StickyCancel, ...] = ()
    remembered: tuple[RememberedIds, ...] = ()
    halted: tuple[str, ...] = ()
    halts_done: tuple[tuple[str, str], ...] = ()
    amends: tuple[tuple[str, str, int], ...] = ()
    version: int = VERSION


class CheckpointTooNew(Exception):
    """Written by a newer gateway: this one must not go on from it."""


_decoder = msgspec.msgpack.Decoder(ExecutorCheckpoint)


def first_checkpoint(born_at: int) -> bytes:
    """The `empty_checkpoint` of a journal that does not exist yet; its outbox gets its name from
    the journal's identity."""
    return encode(ExecutorCheckpoint(outbox=OutboxName(name="", born_at=born_at)))


def decode_checkpoint(data: bytes | None) -> ExecutorCheckpoint | None:
    """None: there is none that can be read. Raises `CheckpointTooNew`."""
    if not data:
        return None
    try:
        checkpoint = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if checkpoint.version > VERSION:
        raise CheckpointTooNew(f"checkpoint version {checkpoint.version}, known {VERSION}")
    return checkpoint
