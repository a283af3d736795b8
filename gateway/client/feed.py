"""The accountants' stream: transactions behind a named consumer's cursor, page by page."""

from collections import deque

from gateway.client import questions as q
from gateway.client.updates import Restated, Update
from gateway.domain.messages import AcknowledgedReply, TransactionsReply, TransactionUpdate

PAGE = 500
LOOK_AGAIN_S = 30.0
STORE_LAG_S = 0.1
"""What a stream tells is in the store, which a consumer reads, a moment later."""


class TransactionFeed:
    """What to ask next, and what to hand out. No I/O.

    It begins behind the consumer's acknowledged cursor. Each transaction is handed out in order
    of `seq`, at least once over the consumer's whole life; after a restart those come again that
    were handed out and not acknowledged. Bounded by a page.
    """

    def __init__(self, account: str, consumer: str) -> None:
        self.account = account
        self.consumer = consumer
        self.cursor = 0
        self._last = 0
        self._ready: deque[TransactionUpdate] = deque()
        self._more = True
        self._heard = False
        self._heard_seq = 0

    def take(self) -> TransactionUpdate | None:
        return self._ready.popleft() if self._ready else None

    @property
    def wants_page(self) -> bool:
        return self._more and not self._ready

    @property
    def has_news(self) -> bool:
        """Something was heard since the last page was asked for."""
        return self._heard

    def hear(self, update: Update) -> None:
        """For a client's `listen`: a stream that begins anew may have stepped over some."""
        if isinstance(update, TransactionUpdate | Restated) and update.account == self.account:
            self._heard = True
            if isinstance(update, TransactionUpdate):
                self._heard_seq = max(self._heard_seq, update.seq)

    @property
    def look_again_s(self) -> float:
        """How long to wait for news before asking without any."""
        return STORE_LAG_S if self._last < self._heard_seq else LOOK_AGAIN_S

    def nudge(self) -> None:
        """There is, or may be, something new."""
        self._more = True

    def page(self) -> q.Question[TransactionsReply]:
        self._heard = False
        """Always as the consumer: it gets only what it can acknowledge."""
        from_seq = self._last + 1 if self._last else None
        return q.transactions(self.account, consumer=self.consumer, from_seq=from_seq, limit=PAGE)

    def on_page(self, reply: TransactionsReply) -> None:
        self._more = reply.more
        self.cursor = max(self.cursor, reply.cursor)
        self._last = max(self._last, self.cursor)
        for item in reply.items:
            if item.seq > self._last:
                self._last = item.seq
                self._ready.append(item)

    def acknowledge(self, seq: int) -> q.Question[AcknowledgedReply]:
        return q.acknowledge(self.account, self.consumer, seq)
