"""The outside world, as the four components see it.

Every call returns at once. What takes time is answered later through a callback on the same
thread, one at a time, never from inside the call. So a component is a plain state machine, and the
same class runs on sockets and clocks, or on a simulation's virtual time. A process can die between
any two of these calls; nothing may depend on two of them happening together.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from gateway.domain.identity import AccountId, Symbol
from gateway.domain.records import Batch, Found, Query, StoreFailed
from gateway.domain.venue import (
    Market,
    StreamEvent,
    VenueAnswer,
    VenueProfile,
    VenueRequest,
)


class Clock(Protocol):
    def now(self) -> int:
        """Wall time, ns UTC. It can step: use it for time stamps and expiry only."""

    def monotonic(self) -> int:
        """For intervals, ns."""


class Randomness(Protocol):
    def bits(self, count: int) -> int: ...

    def uniform(self) -> float:
        """0 <= x < 1, for jitter."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Timers(Protocol):
    def after(self, delay: int, action: Callable[[], None]) -> Timer:
        """Runs `action` once, `delay` ns from now on the monotonic clock."""


class Outlet(Protocol):
    """The sending end of `orders`, `urgent` or `reports`."""

    def send(self, frame: bytes) -> bool:
        """False: not taken (no peer, or its queue is full). True is not a receipt."""


class Broadcast(Protocol):
    """The publishing end of `status`."""

    def publish(self, topic: str, frame: bytes) -> None: ...


class Asker(Protocol):
    """The asking end of `requests`."""

    def request(
        self, frame: bytes, timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        """`on_reply` gets the answer, or None for a time-out: it may have been carried out."""


class Log(Protocol):
    """An append-only journal with numbered records (from 1, dense). Survives the process."""

    def append(self, payload: bytes, *, urgent: bool = False) -> int:
        """The record's number. Raises an error with code `journal_full` when the bound or the disk
        is reached; `urgent` records may use the reserve."""

    @property
    def should_roll(self) -> bool: ...

    def roll(self, checkpoint: bytes) -> None:
        """Begins a new segment with the owner's whole state."""

    def drop_before(self, number: int) -> None:
        """Forgets whole segments of records before `number`."""

    def sync(self) -> None:
        """Returns once all of it would survive a loss of power; this takes a while."""

    @property
    def next_number(self) -> int: ...


class LogReader(Protocol):
    """Follows a journal, read only."""

    def read_from(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        """Records with their numbers; fewer than `limit`, or none, if no more are there yet.

        Raises an error with code `records_gone` when `number` was dropped; its `first` is the
        oldest number that can still be read. Raises `OSError` when it can't be read now."""


class LogEntry(NamedTuple):
    """`identity` is the journal's. A checkpoint has the number of the record that follows it."""

    identity: bytes
    number: int
    is_checkpoint: bool
    payload: bytes


class LogFollower(Protocol):
    """Follows a journal with its checkpoints, read only, from its oldest segment on."""

    def read(self, limit: int) -> list[LogEntry]:
        """What comes after the last call's entries; empty when no more is there yet.

        When its place is gone (dropped, replaced, cut), it begins again at the oldest segment, with
        a checkpoint: a number other than the one expected says so. Raises `GatewayError`."""


class Venue(Protocol):
    """One account at one venue."""

    @property
    def account(self) -> AccountId: ...

    @property
    def profile(self) -> VenueProfile: ...

    @property
    def ready(self) -> bool:
        """Markets are loaded and the connection is warm."""

    @property
    def markets(self) -> Mapping[Symbol, Market]: ...

    def start(self, request: VenueRequest, done: Callable[[VenueAnswer], None]) -> None:
        """Carries out a request; `done` gets its one answer, later. A place or amend whose
        `expires_at` has passed when its bytes would be written is answered `NotSent` with code
        `expired`.
        Requests about the same order are carried out in the order given."""

    def listen(self, on_event: Callable[[StreamEvent], None]) -> None:
        """Opens the private stream and keeps it open. Nothing it says is lost between two events;
        each time it was down there is a `StreamDown` and then a `StreamUp`."""


class Store(Protocol):
    """PostgreSQL, or memory."""

    def write(self, batch: Batch, done: Callable[[StoreFailed | None], None]) -> None: ...

    def ask(self, query: Query, done: Callable[[Found | StoreFailed], None]) -> None: ...
