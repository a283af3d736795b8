"""Answers that a retried request gets again, so that nothing is done twice."""

from collections import OrderedDict
from dataclasses import dataclass

from gateway.actioner.settings import ActionerSettings
from gateway.ports import Clock

Key = tuple[str, str]
"""client_id and request_id."""


@dataclass(slots=True)
class Kept:
    digest: bytes
    frame: bytes
    until: int  # monotonic


class KeptAnswers:
    """Two shelves, each with the whole bound: however much is read or looked up meanwhile, the
    answer to what must not be done twice stays."""

    def __init__(self, settings: ActionerSettings, clock: Clock) -> None:
        self._deeds, self._others = _Shelf(settings, clock), _Shelf(settings, clock)

    def __len__(self) -> int:
        return len(self._deeds) + len(self._others)

    def get(self, key: Key) -> Kept | None:
        return self._deeds.get(key) or self._others.get(key)

    def put(self, key: Key, digest: bytes, frame: bytes, *, is_deed: bool) -> None:
        (self._deeds if is_deed else self._others).put(key, digest, frame)


class _Shelf:
    """Bounded by time, number and bytes; the oldest go first."""

    def __init__(self, settings: ActionerSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Kept | None:
        self._drop_old()
        return self._kept.get(key)

    def put(self, key: Key, digest: bytes, frame: bytes) -> None:
        until = self._clock.monotonic() + self._settings.max_life
        before = self._kept.pop(key, None)
        self._bytes += len(frame) - (len(before.frame) if before else 0)
        self._kept[key] = Kept(digest, frame, until)
        self._drop_old()

    def _drop_old(self) -> None:
        now = self._clock.monotonic()
        while self._kept and (self._is_over_bound() or self._oldest().until <= now):
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.frame)

    def _is_over_bound(self) -> bool:
        settings = self._settings
        return len(self._kept) > settings.kept_answers or self._bytes > settings.kept_answer_bytes

    def _oldest(self) -> Kept:
        return next(iter(self._kept.values()))
