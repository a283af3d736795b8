"""One account's stream, made whole again: in order, without a hole, each item once."""

from collections.abc import Callable, Iterable

from gateway.domain.identity import AccountId
from gateway.domain.messages import Head, SnapshotReply, StreamItem
from gateway.domain.order import Order

MAX_BUFFERED = 10_000
MAX_REPLAY = 1_000


class StreamFollower:
    """Takes items and heads as they come, delivers items in order of `seq`.

    It begins with a snapshot, and so does each new epoch; what still comes of an older epoch is
    dropped. A hole, also one that only a head shows, is asked for with
    `ask_replay(account, epoch, first, last)`; one that is no longer kept is stepped over with a
    snapshot. One question is open at a time. Items that come meanwhile are kept, up to
    MAX_BUFFERED; beyond that they are dropped and asked for again. No I/O and no clock: an owner
    that gets no answer to what was asked calls `failed`, and the next head or item asks again.
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
        """`deliver(item, replayed)`; `restate(account, orders)` begins anew from a snapshot, whose
        place in the stream is in `epoch` and `seq` by then."""
        self.account = account
        self.epoch = 0
        self.seq = 0
        self.live = False
        """A snapshot has been taken and nothing later is known to exist."""
        self._deliver = deliver
        self._restate = restate
        self._ask_replay = ask_replay
        self._ask_snapshot = ask_snapshot
        self._heard_epoch = 0
        self._head = 0  # the largest number heard of in `_heard_epoch`
        self._buffer: dict[int, StreamItem] = {}  # of `_heard_epoch`
        self._from_replay: set[int] = set()
        self._needs_snapshot = True
        self._asked = False

    # ---- what is heard -------------------------------------------------------------------------

    def on_item(self, item: StreamItem) -> None:
        if not self._is_news(item.epoch, item.seq):
            return
        if self._needs_snapshot or item.seq > self.seq:
            self._keep(item)
        self._move_on()

    def _keep(self, item: StreamItem) -> None:
        if len(self._buffer) < MAX_BUFFERED:
            self._buffer.setdefault(item.seq, item)

    def on_head(self, head: Head) -> None:
        if self._is_news(head.epoch, head.seq):
            self._pursue()

    def _is_news(self, epoch: int, seq: int) -> bool:
        if epoch > self._heard_epoch:
            self._begin_epoch(epoch)
        elif epoch < self._heard_epoch:
            return False
        self._head = max(self._head, seq)
        return self._needs_snapshot or seq > self.seq or not self.live

    def _begin_epoch(self, epoch: int) -> None:
        self._heard_epoch, self._head = epoch, 0
        self._needs_snapshot = True
        self._buffer.clear()
        self._from_replay.clear()

    # ---- answers -------------------------------------------------------------------------------

    def on_snapshot(self, reply: SnapshotReply) -> None:
        self._asked = False
        if (reply.epoch, reply.seq) < (max(self.epoch, self._heard_epoch), self._seq_at_least()):
            return  # older than what was delivered: the next head asks again
        if reply.epoch > self._heard_epoch:
            self._begin_epoch(reply.epoch)
        moved = (reply.epoch, reply.seq) != (self.epoch, self.seq)
        self.epoch, self.seq = reply.epoch, reply.seq
        self._head = max(self._head, reply.seq)
        self._needs_snapshot = False
        self._forget_delivered()
        self._restate(self.account, reply.orders)
        self._advance(replayed=False)
        self._pursue(ask=moved)

    def _seq_at_least(self) -> int:
        return self.seq if self.epoch == self._heard_epoch else 0

    def on_replay(self, items: Iterable[StreamItem]) -> None:
        self._asked = False
        before = self.seq
        if not self._needs_snapshot:
            self._take_replay(items)
            self._advance(replayed=True)
        self._pursue(ask=self.seq > before or self._needs_snapshot)

    def _take_replay(self, items: Iterable[StreamItem]) -> None:
        for item in items:
            missing = item.epoch == self.epoch and item.seq > self.seq
            if missing and item.seq not in self._buffer:
                self._buffer[item.seq] = item
                self._from_replay.add(item.seq)

    def not_kept(self) -> None:
        """The range asked for can't be had any more: begins anew from a snapshot."""
        self._asked = False
        self._needs_snapshot = True
        self._pursue()

    def failed(self) -> None:
        """What was asked was not answered; the next head or item asks again."""
        self._asked = False

    # ---- going on ------------------------------------------------------------------------------

    def _move_on(self) -> None:
        if not self._needs_snapshot:
            self._advance(replayed=False)
        self._pursue()

    def _advance(self, *, replayed: bool) -> None:
        while (item := self._buffer.pop(self.seq + 1, None)) is not None:
            self.seq = item.seq
            self._head = max(self._head, item.seq)
            from_replay = replayed and item.seq in self._from_replay
            self._from_replay.discard(item.seq)
            self._deliver(item, from_replay)

    def _forget_delivered(self) -> None:
        self._buffer = {seq: item for seq, item in self._buffer.items() if seq > self.seq}
        self._from_replay = {seq for seq in self._from_replay if seq > self.seq}

    def _pursue(self, *, ask: bool = True) -> None:
        """Asks for what is missing, if anything is, and nothing is asked for already.

        `ask` False: the last answer helped nothing; asking again at once could go on for ever."""
        self.live = not self._needs_snapshot and self.seq >= self._head
        if self.live or self._asked or not ask:
            return
        self._asked = True
        if self._needs_snapshot:
            self._ask_snapshot(self.account)
            return
        first = self.seq + 1
        last = min(self._buffer) - 1 if self._buffer else self._head
        self._ask_replay(self.account, self.epoch, first, min(last, first + MAX_REPLAY - 1))
