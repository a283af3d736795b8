"""Messages to and from MessagePack: the one place that knows the encoding."""

from typing import Any, Generic, TypeVar

import msgspec

from gateway.domain.errors import BadMessage, Code
from gateway.domain.messages import (
    VERSION,
    AnyReply,
    AnyRequest,
    Command,
    ListenerCheckpoint,
    ListenerRecord,
    OutboxEvent,
    Report,
    Status,
    hints_of,
)

MAX_COMMAND_BYTES = 16 * 1024
MAX_MESSAGE_BYTES = 16 * 1024 * 1024

M = TypeVar("M")

_encoder = msgspec.msgpack.Encoder(decimal_format="string")
encode = _encoder.encode


class Codec(Generic[M]):
    """Decodes one family of messages. Raises `BadMessage` for anything that is not one of them."""

    def __init__(self, family: Any, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(family)
        self._max_bytes = max_bytes

    def decode(self, frame: bytes) -> M:
        if len(frame) > self._max_bytes:
            text = f"the message has {len(frame)} bytes; at most {self._max_bytes} are taken"
            raise BadMessage(text, Code.TOO_LARGE)
        try:
            message = self._decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise _explain(frame, error) from error
        version = getattr(message, "version", VERSION)
        if version > VERSION or version < 1:
            raise _unsupported(version, hints_of(msgspec.to_builtins(message)))
        return message


def _explain(frame: bytes, error: Exception) -> BadMessage:
    """Says what is wrong with a frame that is not a valid message, by a second, lax reading."""
    try:
        raw = msgspec.msgpack.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as why:
        return BadMessage(f"not a MessagePack map: {why}", Code.UNDECODABLE)
    hints = hints_of(raw)
    if not isinstance(raw, dict):
        return BadMessage("not a MessagePack map", Code.UNDECODABLE)
    version = raw.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        return _unsupported(version, hints)
    if str(error).endswith("`$.type`") or "missing required field `type`" in str(error):
        return BadMessage(f"unknown message type: {error}", Code.UNKNOWN_TYPE, hints)
    return BadMessage(str(error), Code.MALFORMED, hints)


def _unsupported(version: int, hints: dict[str, str]) -> BadMessage:
    text = f"protocol version {version} is not spoken here; this gateway speaks 1 to {VERSION}"
    return BadMessage(text, Code.UNSUPPORTED_VERSION, hints)


commands: Codec[Command] = Codec(Command, MAX_COMMAND_BYTES)
reports: Codec[Report] = Codec(Report)
statuses: Codec[Status] = Codec(Status)
requests: Codec[AnyRequest] = Codec(AnyRequest)
replies: Codec[AnyReply] = Codec(AnyReply)
outbox_events: Codec[OutboxEvent] = Codec(OutboxEvent)
listener_records: Codec[ListenerRecord] = Codec(ListenerRecord)
listener_checkpoints: Codec[ListenerCheckpoint] = Codec(ListenerCheckpoint)
