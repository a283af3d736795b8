"""What one input changes, before it is journaled: all of it happens, or none."""

from collections.abc import Mapping

from msgspec.structs import replace

from gateway.domain import facts as f
from gateway.domain import life
from gateway.domain import messages as m
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.life import Alarm
from gateway.domain.order import Order
from gateway.domain.trade import TradeDigest
from gateway.listener.state import State


class Draft:
    """Applies facts to copies of the orders in the book and numbers what is to be published."""

    def __init__(self, state: State, at: int, max_parked: int) -> None:
        self.at = at
        self.items: list[m.StreamItem] = []
        self.refusals: list[m.Refusal] = []
        self.alarms: list[Alarm] = []
        self.named: list[tuple[AccountId, OrderId, f.VenueFact]] = []
        """Facts of the venue's whose order is known by now, applied or parked."""
        self._state = state
        self._orders: dict[OrderId, Order] = {}
        self._visible: set[OrderId] = set()
        self._digests: dict[str, dict[str, TradeDigest]] = {}
        self._seqs: dict[AccountId, int] = {}
        self._recalled: dict[OrderId, m.TrackedOrder] = {}
        self._parked: list[m.ParkedFact] = []
        self._unparked: list[int] = []
        self._max_parked = max_parked

    def order(self, order_id: OrderId) -> Order | None:
        order = self._orders.get(order_id)
        if order is not None:
            return order
        tracked = self._state.book.get(order_id)
        return None if tracked is None else tracked.order

    def apply(self, order_id: OrderId, account: AccountId, fact: f.Fact) -> bool:
        """False: the order is not known, and the fact can't begin one."""
        known = self.order(order_id)
        order = known or life.birth(account, fact, order_id)
        if order is None:
            return False
        change = life.apply(order, self._trades(order_id), fact)
        self.alarms.extend(change.alarms)
        if change.order is not order or (change.visible and known is None):
            self._orders[order_id] = change.order
        if change.visible:
            self._publish(change, fact)
        return True

    def _trades(self, order_id: OrderId) -> Mapping[str, TradeDigest]:
        recalled = self._recalled.get(order_id)
        tracked = self._state.book.get(order_id)
        held: Mapping[str, TradeDigest] = {}
        if recalled is not None:
            held = recalled.digests
        elif tracked is not None:
            held = tracked.digests
        drafted = self._digests.get(order_id)
        return held if drafted is None else {**held, **drafted}

    def _publish(self, change: life.Change, fact: f.Fact) -> None:
        order = change.order
        if change.digests:
            self._digests.setdefault(order.order_id, {}).update(change.digests)
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
        cause = cause_of(fact)
        self._update(order, replace(cause, text=change.text) if change.text else cause)

    def _update(self, order: Order, cause: m.Cause) -> None:
        self._visible.add(order.order_id)
        epoch, seq = self._number(order.account)
        self.items.append(
            m.OrderUpdate(
                account=order.account,
                epoch=epoch,
                seq=seq,
                at=self.at,
                order=order,
                cause=cause,
            )
        )

    def _number(self, account: AccountId) -> tuple[int, int]:
        stream = self._state.streams[account]
        seq = self._seqs.get(account, stream.seq) + 1
        self._seqs[account] = seq
        return stream.epoch, seq

    def take_back(self, stored: m.TrackedOrder) -> None:
        """What the store has, where that is newer. What is in memory has been announced, so what
        takes its place is announced too."""
        order_id = stored.order.order_id
        if order_id in self._orders or not self._state.book.is_newer(stored):
            return
        self._recalled[order_id] = stored
        self._orders[order_id] = stored.order
        if self._state.book.get(order_id) is not None:
            self._update(stored.order, m.Cause(fact="recalled", source=""))

    def park(self, account: AccountId, fact: f.Fact, order_id: OrderId | None = None) -> bool:
        """False: the bound is reached."""
        parking = self._state.parking
        if len(parking) + len(self._parked) - len(self._unparked) >= self._max_parked:
            return False
        self._parked.append(
            m.ParkedFact(
                number=parking.next_number + len(self._parked),
                account=account,
                at=self.at,
                fact=fact,
                order_id=order_id,
            )
        )
        return True

    def unpark(self, parked: m.ParkedFact) -> None:
        self._unparked.append(parked.number)

    @property
    def is_empty(self) -> bool:
        said = self.items or self._orders or self.refusals or self.alarms
        return not (said or self._parked or self._unparked)

    def record(self, position: m.OutboxPosition | None) -> m.ListenerRecord:
        return m.ListenerRecord(
            at=self.at,
            position=position,
            items=tuple(self.items),
            touched=tuple(filter(self._is_only_touched, self._orders.values())),
            refusals=tuple(self.refusals),
            alarms=tuple(self.alarms),
            digests=self._digests,
            recalled=tuple(self._recalled.values()),
            parked=tuple(self._parked),
            unparked=tuple(self._unparked),
        )

    def _is_only_touched(self, order: Order) -> bool:
        recalled = self._recalled.get(order.order_id)
        as_recalled = recalled is not None and order is recalled.order
        return order.order_id not in self._visible and not as_recalled


def cause_of(fact: f.Fact) -> m.Cause:
    """The fact in a few words, for the order's history."""
    source = getattr(fact, "source", "")
    text = getattr(fact, "text", "")
    return m.Cause(fact=_name(fact), source=str(source), text=text)


def _name(fact: f.Fact) -> str:
    return str(type(fact).__struct_config__.tag)
