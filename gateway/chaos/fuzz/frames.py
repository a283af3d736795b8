"""Frames of every family through the decoder that meets them first."""

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

from gateway.chaos.fuzz.making import Maker, packed, spoil, spoil_bytes, type_of
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.codec import Codec
from gateway.domain.errors import BadMessage

FAMILIES: dict[str, tuple[Any, Codec[Any]]] = {
    "commands": (m.Command, codec.commands),
    "reports": (m.Report, codec.reports),
    "statuses": (m.Status, codec.statuses),
    "requests": (m.AnyRequest, codec.requests),
    "replies": (m.AnyReply, codec.replies),
    "outbox events": (m.OutboxEvent, codec.outbox_events),
    "listener records": (m.ListenerRecord, codec.listener_records),
    "listener checkpoints": (m.ListenerCheckpoint, codec.listener_checkpoints),
}
SAMPLES = 400
FRESH = 0.002


class Frames:
    """Half of them spoilt as values, half as bytes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._maker = Maker(random)
        self._families: list[tuple[inspect.Type, Codec[Any]]] = [
            (type_of(family), decoder) for family, decoder in FAMILIES.values()
        ]
        self._samples = [
            [self._maker.made(family) for _ in range(SAMPLES // len(FAMILIES))]
            for family, _ in self._families
        ]
        self.taken = 0

    def once(self) -> None:
        random = self._random
        at = random.randrange(len(self._families))
        family, decoder = self._families[at]
        samples = self._samples[at]
        place = random.randrange(len(samples))
        if random.random() < FRESH:
            samples[place] = self._maker.made(family)
        frame = self._spoilt(samples[place])
        try:
            message = decoder.decode(frame)
        except BadMessage:
            return
        self.taken += 1
        if decoder.looks_twice:
            _check(message)

    def _spoilt(self, sample: Any) -> bytes:
        random = self._random
        if random.random() < 0.5:
            return spoil_bytes(random, packed(sample))
        return packed(spoil(random, sample))


def _check(message: Any) -> None:
    """What was taken can be written and read again, and has no figure that is none."""
    again = codec.encode(message)
    if msgspec.msgpack.decode(again, type=type(message)) != message:
        raise AssertionError(f"not read as it was written: {message!r}")
    for figure in _decimals(msgspec.to_builtins(message, builtin_types=(Decimal,))):
        if not figure.is_finite():
            raise AssertionError(f"{figure} was taken: {message!r}")


def _decimals(value: Any) -> list[Decimal]:
    if isinstance(value, Decimal):
        return [value]
    if isinstance(value, dict):
        return [one for each in value.values() for one in _decimals(each)]
    if isinstance(value, list | tuple):
        return [one for each in value for one in _decimals(each)]
    return []
