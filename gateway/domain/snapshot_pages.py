"""A snapshot that comes in pages, put together again by whoever asked for it."""

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.messages import SnapshotReply
from gateway.domain.order import Order


class Page(Struct, frozen=True):
    """What a request for a page says besides the account."""

    offset: int = 0
    epoch: int = 0
    seq: int = 0


class SnapshotPages:
    """All pages are of the moment that the first one names. An answerer that knows no pages gives
    the whole at once."""

    def __init__(self) -> None:
        self.wanted = Page()
        self._orders: list[Order] = []

    def add(self, reply: SnapshotReply) -> SnapshotReply | None:
        """The whole; None: ask for the page that is `wanted` now."""
        self._orders += reply.orders
        if reply.next is None:
            return replace(reply, orders=tuple(self._orders))
        self.wanted = Page(reply.next, reply.epoch, reply.seq)
        return None
