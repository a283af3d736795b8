"""Questions to one account's venue: a few at a time, those of clients before checks."""

import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from gateway.actioner.settings import ActionerSettings
from gateway.domain.errors import Busy, Code
from gateway.domain.venue import QueryFailed, VenueAnswer, VenueRequest
from gateway.ports import Clock, Timer, Timers, Venue

log = logging.getLogger("gateway.actioner")


class Turn(IntEnum):
    """Who goes first."""

    CLIENT = 0
    SWEEP = 1
    CHECK = 2


Answered = Callable[[int, VenueAnswer], None]
"""Gets `asked_at` (wall clock, taken before the question left) and the answer."""


@dataclass(slots=True)
class Question:
    turn: Turn
    request: VenueRequest
    expires_at: int
    answered: Answered
    expired: Callable[[], None]


class Lane:
    """One venue session. What has expired when its turn comes is not asked."""

    def __init__(
        self,
        venue: Venue,
        settings: ActionerSettings,
        clock: Clock,
        timers: Timers,
        counters: Counter[str],
    ) -> None:
        self.venue = venue
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._counters = counters
        self._waiting: dict[Turn, deque[Question]] = {turn: deque() for turn in Turn}
        self._under_way = 0
        self._checks_under_way = 0
        self._starting = False
        self._pause = settings.pause
        self._pause_timer: Timer | None = None

    @property
    def is_paused(self) -> bool:
        """The venue's rate limit was hit: checks wait."""
        return self._pause_timer is not None

    def waiting(self, turn: Turn) -> int:
        return len(self._waiting[turn])

    def has_room(self, turn: Turn, count: int = 1) -> bool:
        bound = self._settings.lane_queue if turn is Turn.CLIENT else self._settings.lane_checks
        return len(self._waiting[turn]) + count <= bound

    def ask(
        self,
        turn: Turn,
        request: VenueRequest,
        expires_at: int,
        answered: Answered,
        expired: Callable[[], None],
    ) -> None:
        """Exactly one of `answered` and `expired` is called, later. Raises `Busy`."""
        if not self.has_room(turn):
            text = f"too many questions to {self.venue.profile.venue} are waiting already"
            raise Busy(text)
        self._waiting[turn].append(Question(turn, request, expires_at, answered, expired))
        self._start_soon()

    def _start_soon(self) -> None:
        if not self._starting:
            self._starting = True
            self._timers.after(0, self._start_waiting)

    def _start_waiting(self) -> None:
        self._starting = False
        while (question := self._take_next()) is not None:
            if self._clock.now() >= question.expires_at:
                self._counters["expired_before_asked"] += 1
                question.expired()
            else:
                self._start(question)

    def _take_next(self) -> Question | None:
        if self._under_way >= self._settings.lane_width:
            return None
        if self._waiting[Turn.CLIENT]:
            return self._waiting[Turn.CLIENT].popleft()
        if self.is_paused or self._checks_under_way >= self._settings.lane_check_width:
            return None
        for turn in (Turn.SWEEP, Turn.CHECK):
            if self._waiting[turn]:
                return self._waiting[turn].popleft()
        return None

    def _start(self, question: Question) -> None:
        self._count_under_way(question, 1)
        asked_at = self._clock.now()
        self.venue.start(question.request, lambda answer: self._end(question, asked_at, answer))

    def _end(self, question: Question, asked_at: int, answer: VenueAnswer) -> None:
        self._count_under_way(question, -1)
        self._note_limit(answer)
        self._start_soon()
        question.answered(asked_at, answer)

    def _count_under_way(self, question: Question, change: int) -> None:
        self._under_way += change
        if question.turn is not Turn.CLIENT:
            self._checks_under_way += change

    def _note_limit(self, answer: VenueAnswer) -> None:
        if not isinstance(answer, QueryFailed):
            self._pause = self._settings.pause
        elif answer.code is Code.VENUE_RATE_LIMIT and self._pause_timer is None:
            self._counters["checks_paused"] += 1
            log.warning("checks_paused account=%s for_ns=%d", self.venue.account, self._pause)
            self._pause_timer = self._timers.after(self._pause, self._resume)
            self._pause = min(2 * self._pause, self._settings.max_pause)

    def _resume(self) -> None:
        self._pause_timer = None
        self._start_waiting()
