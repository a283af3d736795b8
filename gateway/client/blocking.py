"""The blocking client: the same protocol, driven by the caller's own waiting."""

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

from gateway.client import questions as q
from gateway.client.feed import TransactionFeed
from gateway.client.protocol import ClientOptions, ClientProtocol
from gateway.client.state import Until, reached
from gateway.domain import messages as m
from gateway.domain.errors import Code, GatewayError, TimedOut
from gateway.domain.identity import CommandId, OrderId
from gateway.domain.order import Order
from gateway.system import SystemClock, SystemRandomness
from gateway.wire.blocking import BlockingRequester, BlockingSockets
from gateway.wire.curve import CurveKeys
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext

R = TypeVar("R", bound=m.Reply)
UPDATES_KEPT = 100_000
RETRY_S = 0.5
IDLE_S = 3600.0


class Client:
    """One trading program, on one thread.

        with Client(endpoints, "desk") as client:
            order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
            order = client.wait(order_id, until="closed")

    Updates are read while a method waits (`wait`, `updates`, `transactions`, `pump`, any request);
    in between libzmq keeps them, and what it can't keep is replayed.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        client_id: str,
        *,
        accounts: tuple[str, ...] = (),
        connect_timeout: float = 30.0,
        options: ClientOptions | None = None,
        shared: SharedContext | None = None,
        curve: CurveKeys | None = None,
    ) -> None:
        """`accounts` empty: all that the gateway has. Entering it (`with`) connects."""
        self._endpoints = endpoints
        self._accounts = accounts
        self._connect_timeout = connect_timeout
        self._options = options or ClientOptions(client_id=client_id)
        self._sockets = BlockingSockets(endpoints, shared=shared, curve=curve)
        self._timers = PolledTimers()
        self._asker = QueuedAsker(self._sockets.requests)
        self._items: deque[m.StreamItem] = deque()
        self._overflowed = False
        self.protocol = ClientProtocol(
            self._options,
            orders=self._sockets.orders,
            urgent=self._sockets.urgent,
            asker=self._asker,
            subscribe=self._sockets.status.subscribe,
            clock=SystemClock(),
            timers=self._timers,
            randomness=SystemRandomness(),
        )
        self.protocol.on_item = self._on_item

    def __enter__(self) -> Self:
        try:
            self._connect(time.monotonic() + self._connect_timeout)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._sockets.close()

    def _connect(self, deadline: float) -> None:
        known = self._until_answered(q.accounts(), deadline)
        names = self._accounts or tuple(info.account for info in known.accounts)
        self.protocol.connect(names, known.tag)
        if not self._pump_until(lambda: self.protocol.is_live, deadline):
            raise TimedOut(f"no whole stream from {self._endpoints.status} in time")

    def _until_answered(self, question: q.Question[R], deadline: float) -> R:
        while True:
            try:
                return self.ask(question)
            except GatewayError as error:
                if time.monotonic() > deadline:
                    text = f"no gateway at {self._endpoints.requests}: {error}"
                    raise TimedOut(text) from error
                self.pump(RETRY_S)

    # ---- commands ------------------------------------------------------------------------------

    def place(
        self,
        account: str,
        symbol: str,
        side: str,
        order_type: str,
        quantity: str,
        **more: Any,
    ) -> OrderId:
        """Returns at once with the order's id. `more`: price, stop_price, time_in_force,
        post_only, expires_at. Raises NotSent if nobody takes orders."""
        place = self.protocol.new_place(account, symbol, side, order_type, quantity, **more)
        return self.protocol.place(place)

    def cancel(self, order_id: str, account: str = "", symbol: str = "") -> CommandId:
        """Repeated, while the client is pumped, until it has an effect. `account` and `symbol`
        only for an order that this client did not place."""
        known = self.protocol.followed(order_id)
        if known is not None:
            account, symbol = known.account, known.symbol
        return self.protocol.cancel(order_id, account, symbol)

    def wait(self, order_id: str, until: Until = "closed", timeout: float = IDLE_S) -> Order:
        """The order once it is `known`, `accepted` or `closed`.

        Raises Refused, or TimedOut after `timeout` seconds: the order lives on.
        """
        followed = self.protocol.followed(order_id)
        if followed is None:
            raise GatewayError("not an order of this client; use get_order", Code.UNKNOWN_ORDER)
        deadline = time.monotonic() + timeout
        if not self._pump_until(lambda: reached(followed, until) is not None, deadline):
            raise TimedOut(f"order {order_id} is not {until} after {timeout:g} s")
        order = reached(followed, until)
        if order is None:
            raise GatewayError("the order's state fell back", Code.INTERNAL)
        return order

    # ---- streams -------------------------------------------------------------------------------

    def updates(self, timeout: float = IDLE_S) -> Iterator[m.StreamItem]:
        """Order updates and transactions of every followed account, without a gap, from when the
        client connected; ends when none comes for `timeout` seconds.

        Raises an error with code `too_many` if more than UPDATES_KEPT were not taken.
        """
        while self._pump_until(lambda: bool(self._items), time.monotonic() + timeout):
            if self._overflowed:
                raise GatewayError(f"{UPDATES_KEPT} updates were not taken", Code.TOO_MANY)
            yield self._items.popleft()

    def transactions(
        self, account: str, consumer: str, timeout: float = IDLE_S
    ) -> Iterator[m.TransactionUpdate]:
        """The account's transactions behind the consumer's cursor, then new ones; ends when none
        comes for `timeout` seconds. `acknowledge` what has been dealt with."""
        feed = TransactionFeed(account, consumer)
        while True:
            deadline = time.monotonic() + timeout
            while feed.wants_page:
                feed.on_page(self._until_answered(feed.page(), deadline))
            item = feed.take()
            if item is not None:
                yield item
                continue
            seen = self._transactions_seen
            if not self._pump_until(lambda seen=seen: self._transactions_seen > seen, deadline):  # type: ignore[misc]
                return
            feed.nudge()

    def acknowledge(self, account: str, consumer: str, seq: int) -> int:
        """All up to `seq` are dealt with. Returns the cursor."""
        return self.ask(q.acknowledge(account, consumer, seq)).cursor

    _transactions_seen = 0

    def _on_item(self, item: m.StreamItem, _replayed: bool) -> None:
        if isinstance(item, m.TransactionUpdate):
            self._transactions_seen += 1
        if len(self._items) >= UPDATES_KEPT:
            self._overflowed = True
        else:
            self._items.append(item)

    # ---- requests ------------------------------------------------------------------------------

    def ask(self, question: q.Question[R]) -> R:
        """The reply. Raises the gateway's error with its code, or one with code `timed_out`.

        `gateway.client.questions` has a function for each question.
        """
        replies: list[R | GatewayError] = []
        request = self.protocol.request(question.kind, **question.fields)
        self.protocol.ask(request, question.reply, replies.append)
        while not replies:
            self._asker.run_one()
        reply = replies[0]
        if isinstance(reply, GatewayError):
            raise reply
        return reply

    def get_order(
        self, order_id: str, *, history: bool = False, expires_at_of_place: int | None = None
    ) -> m.OrderReply:
        """`expires_at_of_place` lets the answer say `never_received` of an unknown order."""
        question = q.get_order(order_id, history=history, expires_at_of_place=expires_at_of_place)
        return self.ask(question)

    def open_orders(self, account: str, symbol: str | None = None) -> m.VenueOrdersReply:
        """What the venue says now."""
        return self.ask(q.open_orders(account, symbol))

    def balances(self, account: str) -> m.BalancesReply:
        return self.ask(q.balances(account))

    def health(self) -> m.HealthReply:
        return self.ask(q.health())

    def cancel_all(
        self, account: str, *, symbol: str | None = None, include_external: bool = False
    ) -> m.CancelAllReply:
        """This client's open orders that were placed before now."""
        question = q.cancel_all(
            account,
            SystemClock().now(),
            symbol=symbol,
            owner=self._options.client_id,
            include_external=include_external,
        )
        return self.ask(question)

    # ---- driving -------------------------------------------------------------------------------

    def pump(self, seconds: float = 0.0) -> None:
        """Handles what has come in and is due, for `seconds`."""
        deadline = time.monotonic() + seconds
        self._pump_until(lambda: False, deadline)

    def _pump_until(self, reached_it: Callable[[], bool], deadline: float) -> bool:
        """True as soon as `reached_it`; False at the deadline."""
        while True:
            self._timers.run_due()
            while self._asker.run_one():
                pass
            if reached_it():
                return True
            wait = min(deadline, self._timers.next_at()) - time.monotonic()
            heard = self._sockets.status.receive(max(wait, 0.0))
            if heard is not None:
                self.protocol.on_status(*heard)
            elif time.monotonic() >= deadline:
                return reached_it()


class PolledTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class PolledTimers:
    """Timers that fire when the owner looks at them."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, PolledTimer]] = []
        self._order = itertools.count()

    def after(self, delay: int, action: Callable[[], None]) -> PolledTimer:
        timer = PolledTimer(action)
        heapq.heappush(self._heap, (time.monotonic() + delay / 1e9, next(self._order), timer))
        return timer

    def next_at(self) -> float:
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def run_due(self) -> None:
        while self.next_at() <= time.monotonic():
            timer = heapq.heappop(self._heap)[2]
            action, timer.action = timer.action, None
            if action is not None:
                action()


class QueuedAsker:
    """Requests made from inside a callback wait here until the driver can block for them."""

    def __init__(self, requester: BlockingRequester) -> None:
        self._requester = requester
        self._queue: deque[tuple[bytes, float, Callable[[bytes | None], None]]] = deque()

    def request(
        self, frame: bytes, timeout_s: float, on_reply: Callable[[bytes | None], None]
    ) -> None:
        self._queue.append((frame, timeout_s, on_reply))

    def run_one(self) -> bool:
        """Carries out the oldest; False: there is none."""
        if not self._queue:
            return False
        frame, timeout_s, on_reply = self._queue.popleft()
        on_reply(self._requester.request(frame, timeout_s))
        return True
