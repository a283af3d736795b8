"""The asyncio client."""

import asyncio
import contextlib
import math
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self, TypeVar

from gateway.client import questions as q
from gateway.client.commands import Commands
from gateway.client.compose import ClientOptions
from gateway.client.errors import PASSING, Closed
from gateway.client.feed import TransactionFeed
from gateway.client.protocol import ClientProtocol
from gateway.client.replies import read_reply
from gateway.client.state import Until, reached
from gateway.client.turns import TakingTurns
from gateway.client.updates import Update, UpdateQueue
from gateway.client.wakes import Wake, Wakes, WakingAsker
from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import Code, GatewayError, TimedOut
from gateway.domain.identity import CommandId
from gateway.domain.order import Order
from gateway.system import LoopTimers, SystemClock, SystemRandomness
from gateway.wire import limits
from gateway.wire.base import Transport
from gateway.wire.curve import CurveKeys
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext
from gateway.wire.zeromq import ZmqTransport

R = TypeVar("R", bound=m.Reply)
RETRY_S = 0.5


class AsyncClient(Commands):
    """One trading program on one event loop.

        async with AsyncClient(endpoints, "desk") as client:
            order_id = client.place("main", "BTC/USDT", "buy", "limit", "0.01", price="20000")
            order = await client.wait(order_id, until="closed")

    Entering it waits until the gateway is there and every stream is whole; `place` before that
    could miss its own updates.
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
        """`accounts` empty: all that the gateway has."""
        self._endpoints = endpoints
        self._accounts = accounts
        self._connect_timeout = connect_timeout
        self._options = options or ClientOptions(client_id=client_id)
        self._shared = shared
        self._curve = curve
        self._transport: Transport | None = None
        self._protocol: ClientProtocol | None = None
        self._asking: TakingTurns | None = None
        self._closed = False
        self._queues: weakref.WeakSet[UpdateQueue] = weakref.WeakSet()
        self._wakes = Wakes()

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._connect_timeout):
                await self._connect()
        except TimeoutError:
            await self.close()
            raise TimedOut(self._what_is_missing()) from None
        except BaseException:
            await self.close()
            raise
        return self

    def _what_is_missing(self) -> str:
        patience = f"within {self._connect_timeout:g} s"
        if self._protocol is None or not self._protocol.accounts:
            return f"no gateway at {self._endpoints.requests} {patience}"
        return f"no whole stream from {self._endpoints.status} {patience}"

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """What was sent is on its way; what waits ends with an error, and streams just end."""
        self._closed = True
        if self._protocol is not None:
            self._protocol.close()
        if self._asking is not None:
            self._asking.close()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._wakes.all()

    async def _connect(self) -> None:
        self._closed = False
        loop = asyncio.get_running_loop()
        transport = ZmqTransport(loop, shared=self._shared, curve=self._curve)
        self._transport = transport
        ends = self._endpoints
        subscriber = transport.connect_sub(ends.status, self._on_status, limits.STATUS)
        requester = transport.connect_req(ends.requests, limits.REQUESTS)
        # The program's questions have another: they can't take the places of the protocol's own.
        asked = transport.connect_req(ends.requests, limits.REQUESTS)
        self._asking = TakingTurns(asked, limits.REQUEST_POOL_SIZE)
        protocol = ClientProtocol(
            self._options,
            orders=transport.connect_push(ends.orders, limits.ORDERS),
            urgent=transport.connect_push(ends.urgent, limits.URGENT),
            asker=WakingAsker(requester, self._wakes.shared),
            subscribe=subscriber.subscribe,
            clock=SystemClock(),
            timers=LoopTimers(loop),
            randomness=SystemRandomness(),
        )
        protocol.listen(self._hand_out)
        self._protocol = protocol
        known = await self._until_answered(q.accounts())
        names = self._accounts or tuple(info.account for info in known.accounts)
        protocol.connect(names, known.tag)
        await self._until(lambda: protocol.is_live)

    async def until_ready(self, *roles: Role, timeout: float | None = None) -> None:
        """Returns when each of the processes has said that it can do its job. Raises TimedOut."""

        def are_ready() -> bool:
            said = (self.protocol.health.get(role) for role in roles)
            return all(health is not None and health.ready for health in said)

        try:
            async with asyncio.timeout(timeout):
                await self._until(are_ready)
        except TimeoutError:
            text = f"not all of {', '.join(roles)} are ready after {timeout:g} s"
            raise TimedOut(text) from None

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self._closed:
                raise Closed
            await self._wakes.shared.wait()

    def _on_status(self, topic: str, frame: bytes) -> None:
        if not self._closed:
            self.protocol.on_status(topic, frame)
            self._wakes.shared.fire()

    def _hand_out(self, update: Update) -> None:
        for queue in tuple(self._queues):
            queue.put(update)

    @property
    def protocol(self) -> ClientProtocol:
        if self._protocol is None:
            raise GatewayError("the client is not connected: use `async with`", Code.NOT_READY)
        return self._protocol

    # ---- commands ------------------------------------------------------------------------------

    async def cancel_all(
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
        return await self.ask(question)

    async def halt(self, account: str = "", *, timeout: float | None = 15.0) -> CommandId:
        """When it returns, new orders and amends of an account (empty: of all) are refused, until a
        resume and over restarts; cancels go on. It is said until the executor has carried it out,
        which needs neither the actioner nor the database.

        Raises Refused; after `timeout` seconds NotSent if nobody took it, or TimedOut: it was
        taken, and is in force or may still come into force."""
        return await self._wish(self.protocol.compose.halt(account), timeout)

    async def resume(self, account: str = "", *, timeout: float | None = 15.0) -> CommandId:
        """As `halt`. Empty: whatever was halted; an account's does not end a halt of all."""
        return await self._wish(self.protocol.compose.resume(account), timeout)

    async def _wish(self, command: m.Halt | m.Resume, timeout: float | None) -> CommandId:
        with self.protocol.wishing(command) as wish:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._until(lambda: wish.is_over)
            return wish.result()

    # ---- what is known -------------------------------------------------------------------------

    async def wait(
        self, order_id: str, until: Until = "closed", timeout: float | None = None
    ) -> Order:
        """An order placed from here, once it is `known`, `accepted` or `closed`.

        Raises Refused, or TimedOut after `timeout` seconds: the order lives on.
        """
        protocol = self.protocol
        followed = protocol.followed(order_id)
        if followed is None:
            raise GatewayError("not an order of this client; use get_order", Code.UNKNOWN_ORDER)
        wake = self._wakes.new()
        followed.watchers.append(wake.fire)
        try:
            async with asyncio.timeout(timeout):
                while (order := reached(followed, until)) is None:
                    await self._wait(wake)
                return order
        except TimeoutError:
            text = f"order {order_id} is not {until} after {timeout:g} s"
            raise TimedOut(text) from None
        finally:
            followed.watchers.remove(wake.fire)

    async def _wait(self, wake: Wake) -> None:
        if self._closed:
            raise Closed
        await wake.wait()

    # ---- streams -------------------------------------------------------------------------------

    def updates(self, timeout: float | None = None) -> "Updates":
        """Order updates and transactions of every followed account from this call on, in order and
        without a gap; a `Restated` where a stream begins anew.

        A loop over it ends when none comes for `timeout` seconds, or the client is closed; the next
        one goes on from there. Raises `Busy` if more than UPDATES_KEPT were not taken.
        """
        wake = self._wakes.new()
        queue = UpdateQueue(wake.fire)
        self._queues.add(queue)
        return Updates(queue, lambda: self._until_ready(queue, wake, timeout))

    async def _until_ready(self, queue: UpdateQueue, wake: Wake, timeout: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout):
                while not queue.is_ready and not self._closed:
                    await wake.wait()
        except TimeoutError:
            return False
        return queue.is_ready

    async def transactions(
        self, account: str, consumer: str, timeout: float | None = None
    ) -> AsyncIterator[m.TransactionUpdate]:
        """The account's transactions behind the consumer's cursor, then new ones; ends when none
        comes for `timeout` seconds, or the client is closed. `acknowledge` what has been dealt
        with: the rest comes again after a restart. Raises TimedOut if nobody could say by then."""
        feed, wake = TransactionFeed(account, consumer), self._wakes.new()

        def hear(update: Update) -> None:
            feed.hear(update)
            wake.fire()

        unlisten = self.protocol.listen(hear)
        try:
            deadline = _deadline(timeout)
            while not self._closed:
                while feed.wants_page:
                    feed.on_page(await self._until_answered(feed.page(), deadline))
                item = feed.take()
                if item is not None:
                    yield item
                    deadline = _deadline(timeout)
                elif not await self._news(feed, wake, deadline):
                    return
        except Closed:
            return
        finally:
            unlisten()

    async def _news(self, feed: TransactionFeed, wake: Wake, deadline: float) -> bool:
        """Waits for something new; now and then it looks without having heard of any."""
        now = asyncio.get_running_loop().time
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(deadline, now() + feed.look_again_s)):
                while not feed.has_news and not self._closed:
                    await wake.wait()
        heard = feed.has_news
        feed.nudge()
        return not self._closed and (heard or now() < deadline)

    async def acknowledge(self, account: str, consumer: str, seq: int) -> int:
        """All up to `seq` are dealt with. Returns the cursor."""
        return (await self.ask(q.acknowledge(account, consumer, seq))).cursor

    # ---- requests ------------------------------------------------------------------------------

    async def ask(self, question: q.Question[R]) -> R:
        """The reply. Raises the gateway's error with its code, or one with code `timed_out`.

        `gateway.client.questions` has a function for each question. More than sixteen at once take
        turns; a question's time begins with its turn.
        """
        protocol, asking = self.protocol, self._asking
        if asking is None or self._closed:
            raise Closed
        replies: list[R | GatewayError] = []
        wake = self._wakes.new()

        def make() -> bytes:
            return codec.encode(protocol.request(question.kind, **question.fields))

        def done(frame: bytes | None) -> None:
            replies.append(read_reply(frame, question.reply))
            wake.fire()

        await asking.request(make, self._options.request_timeout_s, done)
        while not replies:
            await self._wait(wake)
        reply = replies[0]
        if isinstance(reply, GatewayError):
            raise reply
        return reply

    async def _until_answered(self, question: q.Question[R], deadline: float = math.inf) -> R:
        """Asks again what failed of a thing that passes; what was asked before the deadline gets
        the time that a question has. Raises TimedOut."""
        while True:
            try:
                return await self.ask(question)
            except GatewayError as error:
                if self._closed or error.code not in PASSING:
                    raise
                if asyncio.get_running_loop().time() > deadline:
                    text = f"no gateway at {self._endpoints.requests}: {error}"
                    raise TimedOut(text) from error
            await asyncio.sleep(RETRY_S)

    async def get_order(self, order_id: str, *, history: bool = False) -> m.OrderReply:
        return await self.ask(q.get_order(order_id, history=history))

    async def refresh_order(self, order_id: str) -> m.OrderReply:
        """Asks the venue now; the order as it is after that."""
        return await self.ask(q.refresh_order(order_id))

    async def list_orders(
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
        return await self.ask(question)

    async def open_orders(self, account: str, symbol: str | None = None) -> m.VenueOrdersReply:
        """What the venue says now."""
        return await self.ask(q.open_orders(account, symbol))

    async def balances(self, account: str) -> m.BalancesReply:
        """What the venue says now."""
        return await self.ask(q.balances(account))

    async def accounts(self) -> m.AccountsReply:
        return await self.ask(q.accounts())

    async def markets(self, account: str, symbol: str | None = None) -> m.MarketsReply:
        return await self.ask(q.markets(account, symbol))

    async def health(self) -> m.HealthReply:
        return await self.ask(q.health())

    async def alarms(
        self, account: str | None = None, limit: int = 100, *, unacknowledged: bool = False
    ) -> m.AlarmsReply:
        """Newest first; `unacknowledged`: only those that nobody has dealt with."""
        return await self.ask(q.alarms(account, limit, unacknowledged=unacknowledged))

    async def acknowledge_alarm(self, alarm_id: str, operator: str, text: str = "") -> m.AlarmReply:
        """It has been dealt with. Where somebody has said so already, their word stands.

        Raises GatewayError with code `unknown_alarm`.
        """
        return await self.ask(q.acknowledge_alarm(alarm_id, operator, text))

    async def resolve(
        self, order_id: str, operator: str, status: OrderStatus, text: str
    ) -> m.OrderReply:
        """An operator's word on an order in doubt; audited."""
        return await self.ask(q.resolve(order_id, operator, status, text))


class Updates:
    """What `AsyncClient.updates` hands out. One loop after the other; dropping it ends it."""

    def __init__(self, queue: UpdateQueue, wait: Callable[[], Awaitable[bool]]) -> None:
        self._queue = queue
        self._wait = wait

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        if not self._queue.is_ready and not await self._wait():
            raise StopAsyncIteration
        return self._queue.take()


def _deadline(timeout: float | None) -> float:
    return math.inf if timeout is None else asyncio.get_running_loop().time() + timeout
