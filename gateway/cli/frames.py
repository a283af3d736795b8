"""What any frame or journal holds, as plain values. It looks, and judges nothing."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]

from gateway.domain import codec
from gateway.domain.errors import BadInput, BadMessage, Code
from gateway.executor.checkpoint import CheckpointTooNew, decode_checkpoint
from gateway.journal import DirectoryFiles, Kind, SegmentEntry, iter_segments
from gateway.journal.marks import decode_mark

SEGMENT_SUFFIX = ".segment"
FAMILIES: Mapping[str, Callable[[bytes], object]] = {
    "commands": codec.commands.decode,
    "reports": codec.reports.decode,
    "status": codec.statuses.decode,
    "requests": codec.requests.decode,
    "replies": codec.replies.decode,
    "outbox": codec.outbox_events.decode,
    "listener_journal": codec.listener_records.decode,
    "listener_checkpoint": codec.listener_checkpoints.decode,
}
"""Where a message of some type can be met, and what reads it there."""

Line = dict[str, Any]


def journal_lines(path: Path) -> Iterator[Line]:
    """Every record of a journal's folder, or of one of its segments, good or bad."""
    folder = path if path.is_dir() else path.parent
    for entry in iter_segments(DirectoryFiles(folder)):
        if path.is_dir() or entry.segment == path.name:
            yield _entry_line(entry)


def is_journal(path: Path) -> bool:
    return path.is_dir() or path.suffix == SEGMENT_SUFFIX


def frame_lines(data: bytes) -> Iterator[Line]:
    """Each message of one frame, or of several one after the other."""
    if not data:
        raise BadInput("there is nothing in it", Code.UNDECODABLE)
    unpacker = msgpack.Unpacker(
        strict_map_key=False, max_buffer_size=len(data), unicode_errors="replace"
    )
    unpacker.feed(data)
    start = 0
    while start < len(data):
        try:
            value = unpacker.unpack()
        except (ValueError, msgpack.exceptions.UnpackException) as error:
            text = f"not MessagePack from byte {start} on: {error or type(error).__name__}"
            raise BadInput(text, Code.UNDECODABLE) from None
        end = unpacker.tell()
        yield _message_line(value, data[start:end])
        start = end


def _message_line(value: object, frame: bytes) -> Line:
    families, problem = _families_of(frame)
    line: Line = {"valid_in": families, "message": readable(value)}
    return line if families else {**line, "problem": problem}


def _families_of(frame: bytes) -> tuple[list[str], str]:
    found, problems = [], []
    for name, decode in FAMILIES.items():
        try:
            decode(frame)
        except BadMessage as error:
            if error.code is not Code.UNKNOWN_TYPE:
                problems.append(f"{error.code}: {error}")
        else:
            found.append(name)
    return found, problems[0] if problems else f"{Code.UNKNOWN_TYPE}: no message has this type"


def _entry_line(entry: SegmentEntry) -> Line:
    line: Line = {"segment": entry.segment, "offset": entry.offset, "number": entry.number}
    if not entry.ok or entry.kind is None:
        return {**line, "kind": "damaged", "bytes": len(entry.payload)}
    line["kind"] = entry.kind.name.lower()
    if entry.kind is Kind.MARK:
        mark = decode_mark(entry.payload)
        said = None if mark is None else {"mark": mark.kind.name.lower(), "boot_id": mark.boot_id}
        return {**line, "message": said}
    return {**line, **_payload(entry.payload)}


def _payload(payload: bytes) -> Line:
    try:
        value = msgpack.unpackb(payload, strict_map_key=False, unicode_errors="replace")
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        return {"valid_in": [], "bytes": payload.hex(), "problem": str(error)}
    line = _message_line(value, payload)
    if not line["valid_in"] and _is_executors(payload):
        del line["problem"]
        line["valid_in"] = ["executor_checkpoint"]
    return line


def _is_executors(payload: bytes) -> bool:
    try:
        return decode_checkpoint(payload) is not None
    except CheckpointTooNew:
        return False


def readable(value: object) -> Any:
    """The same with bytes in hex and keys as text, as JSON wants it."""
    if isinstance(value, dict):
        return {str(key): readable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [readable(one) for one in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
