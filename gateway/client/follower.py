"""One account's stream, made whole again: in order, without a hole, each item once."""

from collections.abc import Callable, Iterable

from gateway.domain.identity import AccountId
from gateway.domain.messages import Head, SnapshotReply, StreamItem
from gateway.domain.order import Order

MAX_BUFFERED = 10_000
MAX_REPLAY = 1_000


class StreamFollower:
    """Takes items and heads as they come, delivers items in order of `seq`.

    It begins with a snapshot. A hole, also one that only a head shows, is asked for with
    `ask_replay(epoch, first, last)`; a new epoch, or a hole that is no longer kept, with
    `ask_snapshot`. Items that come meanwhile are kept, up to MAX_BUFFERED; beyond that they are
    dropped and asked for again. No I/O and no clock: an owner that gets no answer to what was
    asked calls `failed`, and the next head asks again.
    """

    def __init__(
        self,
        account: AccountId,
        *,
        deliver: Callable[[StreamItem, bool], None],
        restate: Callable[[AccountId, tuple[Order, ...]], None],
        ask_replay: Callable[[AccountId, int, int, int], None],
        ask_snapshot: Callable[[AccountId], None],
    ) -> None:
        """`deliver(item, replayed)`; `restate(account, orders)` begins anew from a snapshot."""
        self.account = account
        self.epoch = 0
        self.seq = 0
        self.live = False
        """A snapshot has been taken and no hole is known."""
        self._deliver = deliver
        self._restate = restate
        self._ask_replay = ask_replay
        self._ask_snapshot = ask_snapshot
        self._buffer: dict[int, StreamItem] = {}
        self._asked = False
        self._started = False

    def on_item(self, item: StreamItem) -> None:
        if not self._started or item.epoch > self.epoch:
            self._begin(item)
        elif item.epoch == self.epoch and item.seq > self.seq:
            self._keep(item)
            self._advance(replayed=False)
            self._close_gap()

    def on_head(self, head: Head) -> None:
        if not self._started or head.epoch > self.epoch:
            self._need_snapshot()
        elif head.epoch == self.epoch and head.seq > self.seq:
            self._ask_for(head.seq)
        elif head.epoch == self.epoch:
            self.live = not self._buffer

    def on_snapshot(self, reply: SnapshotReply) -> None:
        self._asked = False
        if self._started and (reply.epoch, reply.seq) < (self.epoch, self.seq):
            return
        self._started = True
        self.epoch, self.seq = reply.epoch, reply.seq
        self._restate(self.account, reply.orders)
        kept = self._buffer.values()
        self._buffer = {i.seq: i for i in kept if i.epoch == reply.epoch and i.seq > reply.seq}
        self._advance(replayed=False)
        self._close_gap()

    def on_replay(self, items: Iterable[StreamItem]) -> None:
        self._asked = False
        for item in items:
            if item.epoch == self.epoch and item.seq > self.seq:
                self._buffer.setdefault(item.seq, item)
        self._advance(replayed=True)
        self._close_gap()

    def not_kept(self) -> None:
        """The range asked for can't be had any more: begins anew from a snapshot."""
        self._asked = False
        self._need_snapshot()

    def failed(self) -> None:
        """What was asked was not answered; the next head or item asks again."""
        self._asked = False

    def _begin(self, item: StreamItem) -> None:
        self._keep(item)
        self._need_snapshot()

    def _keep(self, item: StreamItem) -> None:
        if len(self._buffer) < MAX_BUFFERED:
            self._buffer[item.seq] = item

    def _advance(self, *, replayed: bool) -> None:
        while (item := self._buffer.pop(self.seq + 1, None)) is not None:
            self.seq = item.seq
            self._deliver(item, replayed)

    def _close_gap(self) -> None:
        self.live = not self._buffer
        if self._buffer:
            self._ask_for(min(self._buffer) - 1)

    def _ask_for(self, last: int) -> None:
        self.live = False
        if not self._asked:
            self._asked = True
            first = self.seq + 1
            self._ask_replay(self.account, self.epoch, first, min(last, first + MAX_REPLAY - 1))

    def _need_snapshot(self) -> None:
        self.live = False
        if not self._asked:
            self._asked = True
            self._ask_snapshot(self.account)
