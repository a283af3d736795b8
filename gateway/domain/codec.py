"""Messages to and from MessagePack: the one place that knows the encoding.

The decoder takes floats, `NaN` and `Infinity` for decimals; this protocol does not. A frame in
which something looks like one of them, by its bytes, is read a second time to tell.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect, structs

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
MAX_CHECKPOINT_BYTES = 1 << 30  # it holds every open order, and is ours: as much as a journal takes

MAX_SAID = 200  # characters of a refusal's sentence that may come from the refused message

M = TypeVar("M")

_FLOAT_TAGS = (b"\xca", b"\xcb")

_encoder = msgspec.msgpack.Encoder(decimal_format="string")
encode = _encoder.encode


class Codec(Generic[M]):
    """Decodes one family of messages. Raises `BadMessage` for anything that is not one of them.

    `looks_twice` False: figures are taken as they come. Only for what the gateway reads from files
    of its own, under a checksum.
    """

    def __init__(
        self, family: Any, max_bytes: int = MAX_MESSAGE_BYTES, *, looks_twice: bool = True
    ) -> None:
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(family)
        self._max_bytes = max_bytes
        self.looks_twice = looks_twice

    def decode(self, frame: bytes) -> M:
        if len(frame) > self._max_bytes:
            text = f"the message has {len(frame)} bytes; at most {self._max_bytes} are taken"
            raise BadMessage(text, Code.TOO_LARGE)
        try:
            message = self._decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise _explain(frame, error) from error
        if self.looks_twice:
            _look_again(frame, message)
        version = getattr(message, "version", VERSION)
        if version > VERSION or version < 1:
            raise _unsupported(version, hints_of(msgspec.to_builtins(message)))
        return message


def _look_again(frame: bytes, message: object) -> None:
    if _may_hold_float(frame) and _has_float(_read_whole(frame)):
        raise _no_figure("is a float; money is a decimal string, a time an integer", message)
    if _may_hold_endless(type(message), frame) and _has_endless(_decimals_kept(message)):
        raise _no_figure("is not a finite number", message)


def _may_hold_float(frame: bytes) -> bool:
    """A float comes right behind its name, and the name of each figure ends in three letters. Bytes
    of integers and digests do so too, but seldom."""
    for tag in _FLOAT_TAGS:
        at = frame.find(tag)
        while at >= 0:
            if frame[at - 3 : at].isalpha():
                return True
            at = frame.find(tag, at + 1)
    return False


@cache
def _has_figures(kind: type) -> bool:
    """Whether decimals are among the fields of this kind of message, at any depth."""
    return _tells_of_figures(inspect.type_info(kind))


def _tells_of_figures(part: object) -> bool:
    if isinstance(part, inspect.Type | inspect.Field):
        return isinstance(part, inspect.DecimalType) or _tells_of_figures(structs.astuple(part))
    return isinstance(part, tuple) and any(map(_tells_of_figures, part))


def _may_hold_endless(kind: type, frame: bytes) -> bool:
    if not _has_figures(kind):
        return False
    lower = frame.lower()
    return b"nan" in lower or b"inf" in lower


def _read_whole(frame: bytes) -> Any:
    """With the fields that are ignored, which may hold text that is none."""
    try:
        return msgspec.msgpack.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadMessage(f"not a MessagePack map: {error}", Code.UNDECODABLE) from error


def _has_float(raw: Any) -> bool:
    return _any(raw, lambda value: isinstance(value, float))


def _has_endless(raw: Any) -> bool:
    return _any(raw, lambda value: isinstance(value, Decimal) and not value.is_finite())


def _any(raw: Any, is_bad: Callable[[Any], bool]) -> bool:
    """Whether a value anywhere inside is bad."""
    if isinstance(raw, dict):
        return any(_any(value, is_bad) for value in raw.values())
    if isinstance(raw, list | tuple):
        return any(_any(value, is_bad) for value in raw)
    return is_bad(raw)


def _decimals_kept(message: Any) -> Any:
    return msgspec.to_builtins(message, builtin_types=(Decimal,))


def _no_figure(what: str, message: Any) -> BadMessage:
    hints = hints_of(msgspec.to_builtins(message))
    return BadMessage(f"a figure {what}", Code.MALFORMED, hints)


def _explain(frame: bytes, error: Exception) -> BadMessage:
    """Says what is wrong with a frame that is not a valid message, by a second, lax reading."""
    try:
        raw = msgspec.msgpack.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as why:
        return BadMessage(f"not a MessagePack map: {_said(why)}", Code.UNDECODABLE)
    hints = hints_of(raw)
    if not isinstance(raw, dict):
        return BadMessage("not a MessagePack map", Code.UNDECODABLE)
    version = raw.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        return _unsupported(version, hints)
    if str(error).endswith("`$.type`") or "missing required field `type`" in str(error):
        return BadMessage(f"unknown message type: {_said(error)}", Code.UNKNOWN_TYPE, hints)
    return BadMessage(_said(error), Code.MALFORMED, hints)


def _said(error: Exception) -> str:
    """The decoder's words repeat the sender's: cut, and in ASCII without control characters, for
    logs, terminals and the database (which takes no NUL). By no codec: Python loads that from a
    file when it is first used, and there may be no descriptor left for it."""
    return ascii(str(error)[:MAX_SAID])[1:-1]


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
# A journal's checksum stands before it, and to look again at ten thousand orders takes a second.
listener_checkpoints: Codec[ListenerCheckpoint] = Codec(
    ListenerCheckpoint, MAX_CHECKPOINT_BYTES, looks_twice=False
)
