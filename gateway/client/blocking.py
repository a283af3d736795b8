"""The blocking client: the same protocol, driven by the caller's own waiting."""

import time
import weakref
from collections.abc import Callable, Iterator
from typing import Self, TypeVar

from gateway.client import questions as q
from gateway.client.commands import Commands
from gateway.client.compose import ClientOptions
from gateway.client.errors import PASSING, Closed
from gateway.client.feed import TransactionFeed
from gateway.client.protocol import ClientProtocol
from gateway.client.replies import read_reply
from gateway.client.state import Until, reached
from gateway.client.timers import SHORTEST_S, PolledTimers, QueuedAsker
from gateway.client.updates import Update, UpdateQueue
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import Code, GatewayError, TimedOut
from gateway.domain.identity import CommandId
from gateway.domain.order import Order
from gateway.system import SystemClock, SystemRandomness
from gateway.wire.blocking import BlockingSockets
from gateway.wire.curve import CurveKeys
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext

R = TypeVar("R", bound=m.Reply)
RETRY_S = 0.5
FOREVER_S = 1e9
MOST_AT_ONCE = 1_000
MOST_ASKED = 16


class Client(Commands):
    """One trading program, on one thread.

        with Client(endpoints, "desk") as client:
            order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
            order = client.wait(order_id, until="closed")

    Updates are read, and cancels repeated, while a method waits (`wait`, `updates`,
    `transactions`, `pump`); in between libzmq keeps what comes, and what it can't keep is replayed.
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
        self._closed = False
        self._queues: weakref.WeakSet[UpdateQueue] = weakref.WeakSet()
        self._protocol = ClientProtocol(
            self._options,
            orders=self._sockets.orders,
            urgent=self._sockets.urgent,
            asker=self._asker,
            subscribe=self._sockets.status.subscribe,
            clock=SystemClock(),
            timers=self._timers,
            randomness=SystemRandomness(),
            defer=self._asker.later,
        )
        self.protocol.listen(self._hand_out)

    @property
    def protocol(self) -> ClientProtocol:
        return self._protocol

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
        """What was sent is on its way; what waits ends with an error."""
        self._closed = True
        self.protocol.close()
        self._sockets.close()

    def _connect(self, deadline: float) -> None:
        known = self._until_answered(q.accounts(), deadline)
        names = self._accounts or tuple(info.account for info in known.accounts)
        self.protocol.connect(names, known.tag)
        if not self._pump_until(lambda: self.protocol.is_live, deadline):
            raise TimedOut(f"no whole stream from {self._endpoints.status} in time")

    def until_ready(self, *roles: Role, timeout: float | None = None) -> None:
        """Returns when each of the processes has said that it can do its job. Raises TimedOut."""

        def are_ready() -> bool:
            said = (self.protocol.health.get(role) for role in roles)
            return all(health is not None and health.ready for health in said)

        if not self._pump_until(are_ready, _deadline(timeout)):
            raise TimedOut(f"not all of {', '.join(roles)} are ready after {timeout:g} s")

    # ---- commands ------------------------------------------------------------------------------

    def cancel_all(
        self,
        account: str,
        *,
        symbol: str | None = None,
        everyone: bool = False,
        include_external: bool = False,
    ) -> m.CancelAllReply:
        """This client's open orders that were placed before now; `everyone`: those of all clients,
        with `include_external` also what was not placed here. Raises BadInput for the latter
        without the former: what is external is no client's.

        Orders on their way through the gateway are canceled as they come: their cancels go out at
        once, the reply comes after one to one and a half seconds, when it is certain that there are
        no more. Raises TimedOut or Unavailable if that can't be said in time; what was found has
        been canceled all the same."""
        question = q.cancel_all(
            account,
            SystemClock().now(),
            symbol=symbol,
            owner=None if everyone else self._options.client_id,
            include_external=include_external,
        )
        return self.ask(question)

    def halt(self, account: str = "", *, timeout: float | None = 15.0) -> CommandId:
        """When it returns, new orders and amends of an account (empty: of all) are refused, until a
        resume and over restarts; cancels go on. It is said until the executor has carried it out,
        which needs neither the actioner nor the database. From a second thread: with a client
        of its own.

        Raises Refused; after `timeout` seconds NotSent if nobody took it, or TimedOut: it was
        taken, and is in force or may still come into force."""
        return self._wish(self.protocol.compose.halt(account), timeout)

    def resume(self, account: str = "", *, timeout: float | None = 15.0) -> CommandId:
        """As `halt`. Empty: whatever was halted; an account's does not end a halt of all."""
        return self._wish(self.protocol.compose.resume(account), timeout)

    def _wish(self, command: m.Halt | m.Resume, timeout: float | None) -> CommandId:
        with self.protocol.wishing(command) as wish:
            self._pump_until(lambda: wish.is_over, _deadline(timeout), asking=False)
            return wish.result()

    # ---- what is known -------------------------------------------------------------------------

    def wait(self, order_id: str, until: Until = "closed", timeout: float | None = None) -> Order:
        """An order placed from here, once it is `known`, `accepted` or `closed`.

        Raises Refused, or TimedOut after `timeout` seconds: the order lives on.
        """
        followed = self.protocol.followed(order_id)
        if followed is None:
            raise GatewayError("not an order of this client; use get_order", Code.UNKNOWN_ORDER)
        if not self._pump_until(lambda: reached(followed, until) is not None, _deadline(timeout)):
            raise TimedOut(f"order {order_id} is not {until} after {timeout:g} s")
        order = reached(followed, until)
        assert order is not None  # noqa: S101 nothing ran since
        return order

    # ---- streams -------------------------------------------------------------------------------

    def updates(self, timeout: float | None = None) -> "Updates":
        """Order updates and transactions of every followed account from this call on, in order and
        without a gap; a `Restated` where a stream begins anew.

        A loop over it ends when none comes for `timeout` seconds; the next one goes on from there.
        Raises `Busy` if more than UPDATES_KEPT were not taken.
        """
        queue = UpdateQueue()
        self._queues.add(queue)
        return Updates(queue, lambda: self._pump_until(lambda: queue.is_ready, _deadline(timeout)))

    def _hand_out(self, update: Update) -> None:
        for queue in tuple(self._queues):
            queue.put(update)

    def transactions(
        self, account: str, consumer: str, timeout: float | None = None
    ) -> Iterator[m.TransactionUpdate]:
        """The account's transactions behind the consumer's cursor, then new ones; ends when none
        comes for `timeout` seconds. `acknowledge` what has been dealt with: the rest comes again
        after a restart. Raises TimedOut if nobody could say by then."""
        feed = TransactionFeed(account, consumer)
        unlisten = self.protocol.listen(feed.hear)
        try:
            deadline = _deadline(timeout)
            while True:
                while feed.wants_page:
                    feed.on_page(self._until_answered(feed.page(), deadline))
                item = feed.take()
                if item is not None:
                    yield item
                    deadline = _deadline(timeout)
                elif not self._news(feed, deadline):
                    return
        finally:
            unlisten()

    def _news(self, feed: TransactionFeed, deadline: float) -> bool:
        """Waits for something new; now and then it looks without having heard of any."""
        look_again = min(deadline, time.monotonic() + feed.look_again_s)
        heard = self._pump_until(lambda: feed.has_news, look_again)
        feed.nudge()
        return heard or time.monotonic() < deadline

    def acknowledge(self, account: str, consumer: str, seq: int) -> int:
        """All up to `seq` are dealt with. Returns the cursor."""
        return self.ask(q.acknowledge(account, consumer, seq)).cursor

    # ---- requests ------------------------------------------------------------------------------

    def ask(self, question: q.Question[R]) -> R:
        """The reply. Raises the gateway's error with its code, or one with code `timed_out`.

        `gateway.client.questions` has a function for each question.
        """
        if self._closed:
            raise Closed
        request = self.protocol.request(question.kind, **question.fields)
        timeout = self._options.request_timeout_s
        frame = self._sockets.requests.request(codec.encode(request), timeout)
        reply = read_reply(frame, question.reply)
        if isinstance(reply, GatewayError):
            raise reply
        return reply

    def _until_answered(self, question: q.Question[R], deadline: float) -> R:
        """Asks again what failed of a thing that passes."""
        while True:
            try:
                return self.ask(question)
            except GatewayError as error:
                if self._closed or error.code not in PASSING:
                    raise
                if time.monotonic() > deadline:
                    text = f"no gateway at {self._endpoints.requests}: {error}"
                    raise TimedOut(text) from error
            self.pump(RETRY_S)

    def get_order(self, order_id: str, *, history: bool = False) -> m.OrderReply:
        return self.ask(q.get_order(order_id, history=history))

    def refresh_order(self, order_id: str) -> m.OrderReply:
        """Asks the venue now; the order as it is after that."""
        return self.ask(q.refresh_order(order_id))

    def list_orders(
        self,
        *,
        account: str | None = None,
        symbol: str | None = None,
        owner: str | None = None,
        statuses: tuple[OrderStatus, ...] = (),
        open_only: bool = False,
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> m.OrdersReply:
        """Newest first; `after` is the `next` of the page before."""
        question = q.list_orders(
            account=account,
            symbol=symbol,
            owner=owner,
            statuses=statuses,
            open_only=open_only,
            since=since,
            until=until,
            limit=limit,
            after=after,
        )
        return self.ask(question)

    def open_orders(self, account: str, symbol: str | None = None) -> m.VenueOrdersReply:
        """What the venue says now."""
        return self.ask(q.open_orders(account, symbol))

    def balances(self, account: str) -> m.BalancesReply:
        """What the venue says now."""
        return self.ask(q.balances(account))

    def accounts(self) -> m.AccountsReply:
        return self.ask(q.accounts())

    def markets(self, account: str, symbol: str | None = None) -> m.MarketsReply:
        return self.ask(q.markets(account, symbol))

    def health(self) -> m.HealthReply:
        return self.ask(q.health())

    def alarms(
        self, account: str | None = None, limit: int = 100, *, unacknowledged: bool = False
    ) -> m.AlarmsReply:
        """Newest first; `unacknowledged`: only those that nobody has dealt with."""
        return self.ask(q.alarms(account, limit, unacknowledged=unacknowledged))

    def acknowledge_alarm(self, alarm_id: str, operator: str, text: str = "") -> m.AlarmReply:
        """It has been dealt with. Where somebody has said so already, their word stands.

        Raises GatewayError with code `unknown_alarm`.
        """
        return self.ask(q.acknowledge_alarm(alarm_id, operator, text))

    def resolve(self, order_id: str, operator: str, status: OrderStatus, text: str) -> m.OrderReply:
        """An operator's word on an order in doubt; audited."""
        return self.ask(q.resolve(order_id, operator, status, text))

    # ---- driving -------------------------------------------------------------------------------

    def pump(self, seconds: float = 0.0) -> None:
        """Handles what has come in and is due, for `seconds`; what has to be asked for that may
        take a little longer."""
        self._pump_until(lambda: False, time.monotonic() + seconds)

    def _pump_until(
        self, reached_it: Callable[[], bool], deadline: float, *, asking: bool = True
    ) -> bool:
        """True as soon as `reached_it`; False at the deadline, when at most MOST_AT_ONCE messages
        more have been handled. What has come is read before a question is asked: the fills of one
        account don't wait for an answer about another.

        One question of the protocol may take it a little further; as long as answers are quick, up
        to MOST_ASKED, so that a program which only polls closes its gaps too. Not `asking`: they
        wait until later, and nothing waits for the actioner."""
        soon = time.monotonic() + SHORTEST_S
        read = asked = 0
        while not self._closed:
            self._timers.run_due()
            if reached_it():
                return True
            if read < MOST_AT_ONCE and self._hear(0.0):
                read += 1
                continue
            now = time.monotonic()
            late = now >= deadline
            may_ask = asked == 0 or not late or (asked < MOST_ASKED and now < soon)
            if asking and may_ask and self._asker.run_one(deadline - now):
                asked += 1
            elif late:
                return False
            else:
                self._hear(min(deadline, self._timers.next_at()) - now)
            if not late:
                read = 0
        raise Closed

    def _hear(self, timeout_s: float) -> bool:
        heard = self._sockets.status.receive(max(timeout_s, 0.0))
        if heard is not None:
            self.protocol.on_status(*heard)
        return heard is not None


class Updates:
    """What `Client.updates` hands out. One loop after the other; dropping it ends it."""

    def __init__(self, queue: UpdateQueue, wait: Callable[[], bool]) -> None:
        self._queue = queue
        self._wait = wait

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Update:
        if not self._queue.is_ready and not self._wait():
            raise StopIteration
        return self._queue.take()


def _deadline(timeout: float | None) -> float:
    return time.monotonic() + (FOREVER_S if timeout is None else timeout)
