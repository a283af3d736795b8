"""What the followed streams say, for whoever takes it in their own time."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain import messages as m
from gateway.domain.errors import Busy, Code
from gateway.domain.identity import AccountId
from gateway.domain.order import Order

UPDATES_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Restated:
    """A stream begins anew here: its epoch has changed, or what was missing is no longer kept.

    `orders` are all that are open as of `seq`. Transactions that were stepped over are still to be
    had from the accountants' stream.
    """

    account: AccountId
    epoch: int
    seq: int
    orders: tuple[Order, ...]


Update = m.OrderUpdate | m.TransactionUpdate | Restated


class UpdateQueue:
    """Bounded by UPDATES_KEPT: nothing is dropped silently, `take` raises `Busy` with code
    `too_many` once what was kept has been taken."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._updates: deque[Update] = deque()
        self._overflowed = False
        self._wake = wake

    def put(self, update: Update) -> None:
        if len(self._updates) < UPDATES_KEPT and not self._overflowed:
            self._updates.append(update)
        else:
            self._overflowed = True
        self._wake()

    @property
    def is_ready(self) -> bool:
        return bool(self._updates) or self._overflowed

    def take(self) -> Update:
        if self._updates:
            return self._updates.popleft()
        text = f"more than {UPDATES_KEPT} updates were not taken, and the rest is lost: ask anew"
        raise Busy(text, Code.TOO_MANY)
