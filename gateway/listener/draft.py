"""What one input changes, before it is journaled: all of it happens, or none."""

from collections.abc import Mapping

from gateway.domain import facts as f
from gateway.domain import life
from gateway.domain import messages as m
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.life import Alarm
from gateway.domain.order import Order
from gateway.domain.trade import TradeDigest
from gateway.listener.book import Book


class Draft:
    """Applies facts to copies of the orders in the book and numbers what is to be published."""

    def __init__(self, book: Book, streams: Mapping[AccountId, m.StreamPosition], at: int) -> None:
        self.at = at
        self.items: list[m.StreamItem] = []
        self.refusals: list[m.Refusal] = []
        self.alarms: list[Alarm] = []
        self.digests: dict[str, dict[str, TradeDigest]] = {}
        self.orders: dict[OrderId, Order] = {}
        self._visible: set[OrderId] = set()
        self._seqs: dict[AccountId, int] = {}
        self._streams = streams
        self._book = book

    def order(self, order_id: OrderId) -> Order | None:
        order = self.orders.get(order_id)
        if order is not None:
            return order
        tracked = self._book.get(order_id)
        return None if tracked is None else tracked.order

    def apply(self, order_id: OrderId, account: AccountId, fact: f.Fact) -> bool:
        """False: the order is not known, and the fact can't begin one."""
        order = self.order(order_id) or life.birth(account, fact, order_id)
        if order is None:
            return False
        change = life.apply(order, self._trades(order_id), fact)
        self.alarms.extend(change.alarms)
        self.orders[order_id] = change.order
        if change.visible:
            self._publish(change, fact)
        return True

    def _trades(self, order_id: OrderId) -> Mapping[str, TradeDigest]:
        tracked = self._book.get(order_id)
        held = {} if tracked is None else tracked.digests
        drafted = self.digests.get(order_id)
        return held if drafted is None else {**held, **drafted}

    def _publish(self, change: life.Change, fact: f.Fact) -> None:
        order = change.order
        self._visible.add(order.order_id)
        if change.digests:
            self.digests.setdefault(order.order_id, {}).update(change.digests)
        for transaction in change.transactions:
            epoch, seq = self._number(order.account)
            self.items.append(
                m.TransactionUpdate(
                    account=order.account,
                    epoch=epoch,
                    seq=seq,
                    at=self.at,
                    transaction=transaction,
                )
            )
        epoch, seq = self._number(order.account)
        self.items.append(
            m.OrderUpdate(
                account=order.account,
                epoch=epoch,
                seq=seq,
                at=self.at,
                order=order,
                cause=cause_of(fact),
            )
        )

    def _number(self, account: AccountId) -> tuple[int, int]:
        stream = self._streams[account]
        seq = self._seqs.get(account, stream.seq) + 1
        self._seqs[account] = seq
        return stream.epoch, seq

    def heads(self) -> list[m.StreamPosition]:
        """Where the streams stand once this has happened."""
        return [
            m.StreamPosition(account=account, epoch=self._streams[account].epoch, seq=seq)
            for account, seq in self._seqs.items()
        ]

    @property
    def is_empty(self) -> bool:
        return not (self.items or self.orders or self.refusals or self.alarms)

    def record(self, position: m.OutboxPosition | None) -> m.ListenerRecord:
        touched = (order for oid, order in self.orders.items() if oid not in self._visible)
        return m.ListenerRecord(
            at=self.at,
            position=position,
            items=tuple(self.items),
            touched=tuple(touched),
            refusals=tuple(self.refusals),
            alarms=tuple(self.alarms),
            digests=self.digests,
        )


def cause_of(fact: f.Fact) -> m.Cause:
    """The fact in a few words, for the order's history."""
    source = getattr(fact, "source", "")
    text = getattr(fact, "text", "")
    return m.Cause(fact=_name(fact), source=str(source), text=text)


def _name(fact: f.Fact) -> str:
    return str(type(fact).__struct_config__.tag)
