"""The venue's complete record of everything that it did: the evidence others are judged by.

Append-only. In memory it keeps the last `max_entries`; older ones are dropped from memory a
quarter of the bound at a time (`first_seq` says where memory begins). With a `sink` every entry is
also handed over as one JSON line, in order, so that a file holds them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

import msgspec

from gateway.paper.entries import (
    EXECUTED_NEW,
    Deposit,
    Entry,
    Execution,
    FaultHit,
    Outcome,
    Position,
    Request,
)
from gateway.paper.orders import Order, Trade

MAX_ENTRIES = 250_000
"""About 150 MB. A judge that needs all of a longer run gives more, or reads the file."""

Sink = Callable[[bytes], None]

_ENCODER = msgspec.json.Encoder()


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """One JSON object a line; `type` says which kind it is."""
    return _ENCODER.encode_lines(list(entries))


class Record:
    """Entries by dense `seq`, from 1 on."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES, sink: Sink | None = None) -> None:
        if max_entries < 4:
            raise ValueError("max_entries must be at least 4")
        self._entries: list[Entry] = []
        self._max_entries = max_entries
        self._sink = sink
        self._unwritten: list[Entry] = []
        self.first_seq = 1
        self.next_seq = 1

    def write_to(self, sink: Sink) -> None:
        """From now on every new entry goes there too."""
        self._sink = sink

    @property
    def last_seq(self) -> int:
        return self.next_seq - 1

    def add(self, entry: Entry) -> None:
        """Append it; its `seq` must be `next_seq`."""
        self._append(entry)
        if self._sink is not None:
            self._unwritten.append(entry)

    def _append(self, entry: Entry) -> None:
        self.next_seq = entry.seq + 1
        self._entries.append(entry)
        if len(self._entries) > self._max_entries:
            drop = max(1, self._max_entries // 4)
            del self._entries[:drop]
            self.first_seq += drop

    def request(
        self,
        account: str,
        operation: str,
        params: dict[str, str],
        now: int,
        *,
        channel: str = "direct",
        client_order_id: str = "",
    ) -> int:
        """A request arrived. The seq that its outcome and its faults must name."""
        seq = self.next_seq
        self.add(Request(seq, now, account, channel, operation, params, client_order_id))
        return seq

    def outcome(
        self,
        request: int,
        account: str,
        operation: str,
        now: int,
        *,
        executed: bool,
        answered: bool = True,
        code: int = 0,
        msg: str = "",
        faults: tuple[str, ...] = (),
    ) -> None:
        self.add(
            Outcome(
                self.next_seq,
                now,
                request,
                account,
                operation,
                executed,
                answered,
                code,
                msg,
                faults,
            )
        )

    def fault(self, account: str, kind: str, operation: str, target: int, now: int) -> None:
        self.add(FaultHit(self.next_seq, now, account, kind, operation, target))

    def flush(self) -> None:
        """Hand what is new to the sink, in one piece. Call it before answering anyone."""
        if self._sink is not None and self._unwritten:
            self._sink(encode_entries(self._unwritten))
            self._unwritten.clear()

    def load(self, entry: Entry) -> None:
        """Take back an entry that the sink already holds. Only before the first `add`."""
        if not self._entries:
            self.first_seq = entry.seq
        self._append(entry)

    def entries(self, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Those in memory with a seq above `after`, oldest first."""
        start = max(0, after + 1 - self.first_seq)
        stop = None if limit is None else start + limit
        return self._entries[start:stop]

    def executions(self, account: str | None = None) -> Iterator[Execution]:
        for entry in self._entries:
            if isinstance(entry, Execution) and account in {None, entry.account}:
                yield entry

    def orders(self, account: str | None = None) -> list[Order]:
        """The last known state of each order, in the order of acceptance."""
        last: dict[tuple[str, int], Order] = {}
        for entry in self.executions(account):
            last[entry.order.symbol, entry.order.order_id] = entry.order
        return list(last.values())

    def fills(self, account: str | None = None) -> list[Trade]:
        """Every side of every match of users' orders, oldest first."""
        return [entry.trade for entry in self.executions(account) if entry.trade is not None]

    def client_order_ids(self, account: str) -> dict[str, list[tuple[str, int]]]:
        """Each client order id ever accepted, with the (symbol, order id) that it made.

        Two orders behind one id means that the same order was placed twice.
        """
        seen: dict[str, list[tuple[str, int]]] = {}
        for entry in self.executions(account):
            order = entry.order
            made = seen.setdefault(order.client_order_id, [])
            if entry.kind == EXECUTED_NEW and (order.symbol, order.order_id) not in made:
                made.append((order.symbol, order.order_id))
        return seen

    def balances(self, account: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Free and locked by asset, as last recorded."""
        held: dict[str, tuple[Decimal, Decimal]] = {}
        for entry in self._entries:
            if isinstance(entry, Position) and entry.account == account:
                held.update({b.asset: (b.free, b.locked) for b in entry.balances})
            elif isinstance(entry, Deposit) and entry.account == account:
                held[entry.asset] = (entry.free, entry.locked)
        return held
