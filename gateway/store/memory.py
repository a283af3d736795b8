"""The store in memory, as complete as the real one: for tests and for the simulation.

It outlives the processes that use it, as a database does. What happens to one is on its switches:
`down` (nothing is done), `answers_lost` (it is done, and the answer says that it failed),
`kept_since` (orders made before then may have been let go of; this store lets go of none).
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from gateway.domain import records as r
from gateway.domain.alarms import alarm_id_of
from gateway.domain.change import Alarm
from gateway.domain.codec import encode
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import (
    KnownAlarm,
    OrderUpdate,
    Refusal,
    StreamItem,
    StreamPosition,
)
from gateway.domain.messages import TransactionUpdate as Update
from gateway.domain.order import Order
from gateway.store.batches import (
    HISTORY_LIMIT,
    Trade,
    check_of,
    newest_touched,
    place_of,
    tracked,
)
from gateway.store.memory_contents import NEVER, Contents, Held, Number, age_of, is_named, matches

Action = Callable[[], None]


class MemoryStore:
    """`ports.Store`. `defer` gets each piece of work, to be run once, later; without it they wait
    in a queue for `run`. A batch and a question are carried out when their turn comes, each as a
    whole, and answered in the same turn."""

    def __init__(
        self,
        defer: Callable[[Action], object] | None = None,
        on_alarm: Callable[[Alarm], None] = lambda _: None,
        now: Callable[[], int] = lambda: 0,
    ) -> None:
        self.down = False
        self.answers_lost = False
        self.kept_since = 0
        self._queue: deque[Action] = deque()
        self._defer = defer or self._queue.append
        self._on_alarm = on_alarm
        self._now = now
        self._contents = Contents()
        self._answers: Mapping[type[r.Query], Callable[[Any], r.Found]] = {
            r.FindOrder: self._find_order,
            r.FindOrders: self._find_orders,
            r.FindItems: self._find_items,
            r.FindTransactions: self._find_transactions,
            r.FindRefusal: self._find_refusal,
            r.FindCursor: self._find_cursor,
            r.MoveCursor: self._move_cursor,
            r.FindPositions: self._find_positions,
            r.FindOpenOrders: self._find_open_orders,
            r.Recall: self._recall,
            r.FindAlarms: self._find_alarms,
            r.NoteAcknowledged: self._note_acknowledged,
        }

    def write(self, batch: r.Batch, done: Callable[[r.StoreFailed | None], None]) -> None:
        self._defer(lambda: self._answer(lambda: self._write(batch), done))

    def ask(self, query: r.Query, done: Callable[[r.Found | r.StoreFailed], None]) -> None:
        self._defer(lambda: self._answer(lambda: self._find(query), done))

    def run(self) -> int:
        """Everything in the queue, and what that adds to it; returns how much it was."""
        count = 0
        while self._queue:
            self._queue.popleft()()
            count += 1
        return count

    # --- for tests, and for the simulation's checker ---

    def orders(self) -> dict[OrderId, Order]:
        return {order_id: held.order for order_id, held in self._contents.orders.items()}

    def items(self) -> list[StreamItem]:
        """Every item of every stream, by account and in order of seq."""
        streams = sorted(self._contents.streams.items())
        return [stream.items[number] for _, stream in streams for number in stream.numbers]

    def transactions(self) -> list[Update]:
        """Each fact about money once, by account and in order of seq."""
        return [item for item in self.items() if isinstance(item, Update) and self._is_first(item)]

    def alarms(self) -> list[Alarm]:
        return list(self._contents.alarms.values())

    def refusals(self) -> list[Refusal]:
        return list(self._contents.refusals.values())

    def rejected(self) -> list[bytes]:
        """The records that no row could be made of, as they came."""
        return list(self._contents.rejected)

    def cursors(self) -> Mapping[tuple[str, str], int]:
        """By (account, consumer)."""
        return dict(self._contents.consumers)

    def dump(self) -> object:
        """A copy of everything, for `restore`: what a backup is to a database."""
        return deepcopy(self._contents)

    def restore(self, dumped: object) -> None:
        if not isinstance(dumped, Contents):
            raise TypeError("only what `dump` returned can be restored")
        self._contents = deepcopy(dumped)

    # --- writing ---

    def _answer(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        failed = r.StoreFailed(code=Code.STORE_DOWN, text="the store is down")
        if self.down:
            done(failed)
            return
        result = work()
        done(failed if self.answers_lost else result)

    def _write(self, batch: r.Batch) -> None:
        known = self._contents
        for item in batch.items:
            self._write_item(item)
        for position in batch.streams:
            self._advance(position)
        for order in newest_touched(batch.touched):
            self._touch(order)
        known.refusals.update({encode(refusal): refusal for refusal in batch.refusals})
        known.alarms.update({encode(alarm): alarm for alarm in batch.alarms})
        for record in batch.unreadable:
            self._reject(record, "unreadable", AccountId(""), "a journal record")
        if batch.upto > known.journals.get(batch.journal, (0, b""))[0]:
            known.journals[batch.journal] = batch.upto, batch.mark

    def _write_item(self, item: StreamItem) -> None:
        stream = self._contents.streams[item.account]
        number = (item.seq, item.epoch)
        there = stream.items.get(number)
        if there is not None:
            if there != item:
                self._reject(encode(item), "reused", item.account, _name(item), _order_id(item))
            return
        stream.items[number] = item
        insort(stream.numbers, number)
        self._contents.of_order[_order_id(item)].append(item)
        self._advance(item)
        if isinstance(item, OrderUpdate):
            self._update(item)
        else:
            self._note_key(item, number)

    def _advance(self, to: StreamItem | StreamPosition) -> None:
        head = self._contents.heads.get(to.account, NEVER)
        self._contents.heads[to.account] = max(head, place_of(to))

    def _update(self, update: OrderUpdate) -> None:
        order = update.order
        held = self._contents.orders.get(order.order_id)
        if held is None or held.place < place_of(update):
            self._contents.orders[order.order_id] = Held(order, place_of(update))

    def _note_key(self, item: Update, number: Number) -> None:
        first = self._contents.keys.setdefault(item.transaction.key, (item.account, number))
        if first != (item.account, number):
            text = f"{_name(item)} has a trade key that came before under another number"
            self._raise_alarm("transaction_repeated", item.account, text, _order_id(item))

    def _is_first(self, item: Update) -> bool:
        place = item.account, (item.seq, item.epoch)
        return self._contents.keys.get(item.transaction.key) == place

    def _touch(self, order: Order) -> None:
        held = self._contents.orders.get(order.order_id)
        if held is None:
            self._contents.orders[order.order_id] = Held(order, NEVER)
        elif check_of(held.order) < check_of(order):
            held.order = order

    def _reject(
        self,
        record: bytes,
        what: str,
        account: AccountId,
        name: str,
        order_id: OrderId | None = None,
    ) -> None:
        if record not in self._contents.rejected:
            self._contents.rejected[record] = None
            text = f"{name} could not be stored and is kept as it came"
            self._raise_alarm(f"write_{what}", account, text, order_id)

    def _raise_alarm(
        self, kind: str, account: AccountId, text: str, order_id: OrderId | None
    ) -> None:
        alarm = Alarm(kind=kind, text=text, at=self._now(), account=account, order_id=order_id)
        self._contents.alarms[encode(alarm)] = alarm
        self._on_alarm(alarm)

    # --- answering ---

    def _find(self, query: r.Query) -> r.Found:
        return self._answers[type(query)](query)

    def _find_order(self, query: r.FindOrder) -> r.FoundOrder:
        held = self._contents.orders.get(query.order_id)
        if held is None:
            return r.FoundOrder(order=None, kept_since=self.kept_since)
        items = sorted(self._items_of(query.order_id), key=place_of) if query.history else []
        history = [item for item in items if isinstance(item, OrderUpdate)]
        trades = [item for item in items if isinstance(item, Update) and self._is_first(item)]
        return r.FoundOrder(
            order=held.order,
            seq=held.place[1],
            history=tuple(history[-HISTORY_LIMIT:]),
            transactions=tuple(trades[-HISTORY_LIMIT:]),
        )

    def _find_orders(self, query: r.FindOrders) -> r.FoundOrders:
        matching = [order for order in self.orders().values() if matches(order, query)]
        matching.sort(key=age_of, reverse=True)
        return r.FoundOrders(orders=tuple(matching[: query.limit]))

    def _find_items(self, query: r.FindItems) -> r.FoundItems:
        items = self._contents.streams[query.account].between(query.from_seq, query.to_seq)
        return r.FoundItems(items=tuple(_first(items, query.limit)))

    def _find_transactions(self, query: r.FindTransactions) -> r.FoundTransactions:
        stream = self._contents.streams[query.account]
        last = stream.numbers[-1][0] if stream.numbers else 0
        found = (
            item
            for item in stream.between(query.from_seq, last)
            if isinstance(item, Update) and self._is_first(item)
        )
        return r.FoundTransactions(items=tuple(_first(found, query.limit)))

    def _find_refusal(self, query: r.FindRefusal) -> r.FoundRefusal:
        named = [each for each in self.refusals() if each.order_id == query.order_id != ""]
        return r.FoundRefusal(refusal=max(named, key=lambda each: each.at, default=None))

    def _find_cursor(self, query: r.FindCursor) -> r.FoundCursor:
        return r.FoundCursor(seq=self._contents.consumers.get((query.account, query.consumer), 0))

    def _move_cursor(self, query: r.MoveCursor) -> r.FoundCursor:
        consumer = (query.account, query.consumer)
        seq = max(query.seq, self._contents.consumers.get(consumer, 0))
        self._contents.consumers[consumer] = seq
        return r.FoundCursor(seq=seq)

    def _find_positions(self, query: r.FindPositions) -> r.FoundPositions:
        upto, mark = self._contents.journals.get(query.journal, (0, b""))
        streams = (
            StreamPosition(account=account, epoch=epoch, seq=seq)
            for account, (epoch, seq) in sorted(self._contents.heads.items())
        )
        return r.FoundPositions(upto=upto, mark=mark, streams=tuple(streams))

    def _find_open_orders(self, query: r.FindOpenOrders) -> r.FoundTracked:
        still_open = [
            order
            for order in self.orders().values()
            if order.account in query.accounts and not order.is_closed
        ]
        still_open.sort(key=age_of)
        return self._with_trades(still_open[: query.limit])

    def _recall(self, query: r.Recall) -> r.FoundTracked:
        named = [
            order
            for order in self.orders().values()
            if order.account == query.account and is_named(order, query)
        ]
        named.sort(key=lambda order: (order.order_id == query.order_id, age_of(order)))
        return self._with_trades(named[-1:])

    def _with_trades(self, orders: list[Order]) -> r.FoundTracked:
        trades = (
            (order.order_id, _trade(item))
            for order in orders
            for item in sorted(self._items_of(order.order_id), key=place_of)
            if isinstance(item, Update)
        )
        return r.FoundTracked(orders=tuple(tracked(orders, trades)))

    def _items_of(self, order_id: OrderId) -> list[StreamItem]:
        return self._contents.of_order.get(order_id, [])

    def _find_alarms(self, query: r.FindAlarms) -> r.FoundAlarms:
        every = self._known_alarms()
        wanted = [
            each
            for each in every.values()
            if query.account in (None, each.account)
            and not (query.unacknowledged and each.acknowledged_at is not None)
        ]
        wanted.sort(key=lambda each: each.at, reverse=True)
        stored = every.keys() & set(query.among)
        return r.FoundAlarms(alarms=tuple(wanted[: query.limit]), stored=frozenset(stored))

    def _note_acknowledged(self, query: r.NoteAcknowledged) -> r.FoundAlarms:
        if query.alarm_id not in self._known_alarms():
            return r.FoundAlarms(alarms=())
        self._contents.acknowledged.setdefault(query.alarm_id, query)
        return r.FoundAlarms(alarms=(self._known_alarms()[query.alarm_id],))

    def _known_alarms(self) -> dict[str, KnownAlarm]:
        ids = {alarm_id_of(alarm): alarm for alarm in self.alarms()}
        return {alarm_id: self._known(alarm_id, alarm) for alarm_id, alarm in ids.items()}

    def _known(self, alarm_id: str, alarm: Alarm) -> KnownAlarm:
        said = self._contents.acknowledged.get(alarm_id)
        if said is None:
            return KnownAlarm.of(alarm, alarm_id)
        return KnownAlarm.of(
            alarm,
            alarm_id,
            acknowledged_at=said.at,
            acknowledged_by=said.by,
            acknowledged_text=said.text,
        )


def _trade(item: Update) -> Trade:
    done = item.transaction
    return Trade(done.key, done.kind, done.price, done.quantity, done.fee is not None)


def _order_id(item: StreamItem) -> OrderId:
    return item.order.order_id if isinstance(item, OrderUpdate) else item.transaction.order_id


def _name(item: StreamItem) -> str:
    return f"{item.account} {item.epoch}/{item.seq}"


def _first(items: Iterable[StreamItem], count: int) -> Iterator[Any]:
    for _, item in zip(range(count), items, strict=False):
        yield item
