"""Frames that were recorded when version 1 was made stay readable, field by field."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from record_frames import FOLDER, all_types

from gateway.domain import codec, messages

CODECS: dict[Any, codec.Codec[Any]] = {
    messages.Command: codec.commands,
    messages.Report: codec.reports,
    messages.Status: codec.statuses,
    messages.AnyRequest: codec.requests,
    messages.AnyReply: codec.replies,
    messages.OutboxEvent: codec.outbox_events,
}


def codec_of(tag: str) -> codec.Codec[Any]:
    message = all_types()[tag]
    for family, found in CODECS.items():
        if message in get_args(family):
            return found
    journaled: dict[Any, codec.Codec[Any]] = {
        messages.ListenerRecord: codec.listener_records,
        messages.ListenerCheckpoint: codec.listener_checkpoints,
    }
    return journaled[message]


def test_every_message_has_a_recorded_frame() -> None:
    recorded = {path.stem for path in FOLDER.glob("*.msgpack")}

    assert set(all_types()) <= recorded, "run: python tests/unit/domain/record_frames.py"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.msgpack")), ids=lambda path: path.stem)
def test_a_recorded_frame_is_read_with_all_that_it_says(path: Path) -> None:
    frame = path.read_bytes()

    message = codec_of(path.stem).decode(frame)

    recorded = msgspec.msgpack.decode(frame)
    assert missing(recorded, msgspec.msgpack.decode(codec.encode(message))) == []


def missing(recorded: Any, read: Any, where: str = "$") -> list[str]:
    """Where what was recorded is not in what was read; new fields may have come."""
    if isinstance(recorded, dict) and isinstance(read, dict):
        lost = [f"{where}.{key}" for key in recorded.keys() - read.keys()]
        both = recorded.keys() & read.keys()
        return lost + [
            one for key in both for one in missing(recorded[key], read[key], f"{where}.{key}")
        ]
    if isinstance(recorded, list) and isinstance(read, list) and len(recorded) == len(read):
        pairs = enumerate(zip(recorded, read, strict=True))
        return [one for n, (a, b) in pairs for one in missing(a, b, f"{where}[{n}]")]
    return [] if recorded == read else [where]


def test_a_lost_field_is_noticed() -> None:
    assert missing({"a": 1, "b": [{"c": 2}]}, {"a": 1, "b": [{}], "new": 3}) == ["$.b[0].c"]
    assert missing({"a": 1}, {"a": 2}) == ["$.a"]
