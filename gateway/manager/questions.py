"""Requests to the actioner: a bounded number at a time, each with a fresh id and an expiry."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.errors import BadMessage
from gateway.manager.settings import ManagerSettings
from gateway.ports import Asker, Clock

log = logging.getLogger("gateway.manager")

CLIENT = "manager"
OnReply = Callable[[m.AnyReply | None], None]


class Questions:
    """`None` as a reply: no answer in time, and it may have been carried out."""

    def __init__(
        self,
        asker: Asker,
        settings: ManagerSettings,
        clock: Clock,
        counters: Counter[str],
        instance: str,
    ) -> None:
        self._asker = asker
        self._settings = settings
        self._clock = clock
        self._counters = counters
        self._instance = instance
        self._made = 0
        self._under_way = 0

    @property
    def has_room(self) -> bool:
        return self._under_way < self._settings.in_flight

    def ask(
        self, kind: Callable[..., m.AnyRequest], patience: int, on_reply: OnReply, **fields: Any
    ) -> None:
        """After `patience` ns the actioner does not begin it any more. Look at `has_room` first."""
        self._made += 1
        self._under_way += 1
        request = kind(
            request_id=f"{self._instance}-{self._made}",
            client_id=CLIENT,
            expires_at=self._clock.now() + patience,
            **fields,
        )
        self._asker.request(
            codec.encode(request),
            self._settings.answer_timeout_s,
            lambda frame: self._on_reply(frame, on_reply),
        )

    def _on_reply(self, frame: bytes | None, on_reply: OnReply) -> None:
        self._under_way -= 1
        on_reply(self._read(frame))

    def _read(self, frame: bytes | None) -> m.AnyReply | None:
        if frame is None:
            self._counters["requests_unanswered"] += 1
            return None
        try:
            reply = codec.replies.decode(frame)
        except BadMessage as error:
            self._counters["bad_replies"] += 1
            log.warning("bad_reply code=%s text=%s", error.code, error)
            return None
        if isinstance(reply, m.Failed):
            self._counters[f"requests_failed_{reply.code}"] += 1
        return reply
