"""The asyncio client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Self, TypeVar

from gateway.client import questions as q
from gateway.client.feed import TransactionFeed
from gateway.client.protocol import ClientOptions, ClientProtocol
from gateway.client.state import Until, reached
from gateway.domain import messages as m
from gateway.domain.enums import Role
from gateway.domain.errors import Code, GatewayError, TimedOut
from gateway.domain.identity import CommandId, OrderId
from gateway.domain.order import Order
from gateway.system import LoopTimers, SystemClock, SystemRandomness
from gateway.wire import limits
from gateway.wire.base import Transport
from gateway.wire.curve import CurveKeys
from gateway.wire.endpoints import Endpoints
from gateway.wire.inproc import SharedContext
from gateway.wire.zeromq import ZmqTransport

R = TypeVar("R", bound=m.Reply)
UPDATES_KEPT = 100_000
RETRY_S = 0.5


class AsyncClient:
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
        self._queues: set[asyncio.Queue[m.StreamItem | None]] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._connect_timeout):
                await self._connect()
        except TimeoutError:
            await self.close()
            text = f"no gateway at {self._endpoints.requests} within {self._connect_timeout:g} s"
            raise TimedOut(text) from None
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        for queue in self._queues:
            queue.put_nowait(None)
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        transport = ZmqTransport(loop, shared=self._shared, curve=self._curve)
        self._transport = transport
        ends = self._endpoints
        subscriber = transport.connect_sub(ends.status, self._on_status, limits.STATUS)
        protocol = ClientProtocol(
            self._options,
            orders=transport.connect_push(ends.orders, limits.ORDERS),
            urgent=transport.connect_push(ends.urgent, limits.URGENT),
            asker=transport.connect_req(ends.requests, limits.REQUESTS),
            subscribe=subscriber.subscribe,
            clock=SystemClock(),
            timers=LoopTimers(loop),
            randomness=SystemRandomness(),
        )
        protocol.on_item = self._on_item
        self._protocol = protocol
        known = await self._until_answered(q.accounts())
        names = self._accounts or tuple(info.account for info in known.accounts)
        protocol.connect(names, known.tag)
        while not protocol.is_live:
            await self._next_change()

    async def until_ready(self, *roles: Role) -> None:
        """Returns when each of the processes has said that it can do its job."""
        ready: dict[Role, bool] = {}
        before = self._need.on_health

        def note(health: m.Health) -> None:
            ready[health.role] = health.ready
            before(health)

        self._need.on_health = note
        try:
            while not all(ready.get(role) for role in roles):
                await self._next_change()
        finally:
            self._need.on_health = before

    async def _until_answered(self, question: q.Question[R]) -> R:
        while True:
            try:
                return await self.ask(question)
            except GatewayError:
                await asyncio.sleep(RETRY_S)

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _on_status(self, topic: str, frame: bytes) -> None:
        self._need.on_status(topic, frame)
        self._changed.set()

    def _on_item(self, item: m.StreamItem, _replayed: bool) -> None:
        for queue in self._queues:
            queue.put_nowait(item)

    @property
    def _need(self) -> ClientProtocol:
        if self._protocol is None:
            raise GatewayError("the client is not connected: use `async with`", Code.NOT_READY)
        return self._protocol

    @property
    def protocol(self) -> ClientProtocol:
        """For what this class does not offer: callbacks for alarms, health and refusals."""
        return self._need

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
        protocol = self._need
        place = protocol.new_place(account, symbol, side, order_type, quantity, **more)
        return protocol.place(place)

    def cancel(self, order_id: str, account: str = "", symbol: str = "") -> CommandId:
        """Repeated until it has an effect. `account` and `symbol` only for an order that this
        client did not place."""
        known = self._need.followed(order_id)
        if known is not None:
            account, symbol = known.account, known.symbol
        return self._need.cancel(order_id, account, symbol)

    async def wait(
        self, order_id: str, until: Until = "closed", timeout: float | None = None
    ) -> Order:
        """The order once it is `known`, `accepted` or `closed`.

        Raises Refused, or TimedOut after `timeout` seconds: the order lives on.
        """
        protocol = self._need
        followed = protocol.followed(order_id)
        if followed is None:
            raise GatewayError("not an order of this client; use get_order", Code.UNKNOWN_ORDER)
        changed = asyncio.Event()
        protocol.watch(order_id, changed.set)
        try:
            async with asyncio.timeout(timeout):
                while (order := reached(followed, until)) is None:
                    await changed.wait()
                    changed.clear()
                return order
        except TimeoutError:
            raise TimedOut(f"order {order_id} is not {until} after {timeout} s") from None
        finally:
            protocol.unwatch(order_id, changed.set)

    # ---- streams -------------------------------------------------------------------------------

    async def updates(self) -> AsyncIterator[m.StreamItem]:
        """Order updates and transactions of every followed account from now on, without a gap.

        Raises `Busy` if more than UPDATES_KEPT wait to be taken: nothing is dropped silently.
        """
        with self._listening() as queue:
            while (item := await queue.get()) is not None:
                if queue.qsize() > UPDATES_KEPT:
                    raise GatewayError(f"{UPDATES_KEPT} updates were not taken", Code.TOO_MANY)
                yield item

    async def transactions(self, account: str, consumer: str) -> AsyncIterator[m.TransactionUpdate]:
        """The account's transactions behind the consumer's cursor, then new ones as they come.

        `acknowledge` each one, or the last of several, when it is dealt with: what was not
        acknowledged comes again after a restart.
        """
        feed = TransactionFeed(account, consumer)
        with self._listening() as queue:
            while True:
                while feed.wants_page:
                    feed.on_page(await self._until_answered(feed.page()))
                item = feed.take()
                if item is not None:
                    yield item
                elif not await self._news(queue, account):
                    return
                else:
                    feed.nudge()

    async def _news(self, queue: asyncio.Queue[m.StreamItem | None], account: str) -> bool:
        """Waits for a transaction of the account; False: the client was closed."""
        while (item := await queue.get()) is not None:
            if isinstance(item, m.TransactionUpdate) and item.account == account:
                return True
        return False

    async def acknowledge(self, account: str, consumer: str, seq: int) -> int:
        """All up to `seq` are dealt with. Returns the cursor."""
        return (await self.ask(q.acknowledge(account, consumer, seq))).cursor

    @contextlib.contextmanager
    def _listening(self) -> Any:
        queue: asyncio.Queue[m.StreamItem | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    # ---- requests ------------------------------------------------------------------------------

    async def ask(self, question: q.Question[R]) -> R:
        """The reply. Raises the gateway's error with its code, or one with code `timed_out`.

        `gateway.client.questions` has a function for each question.
        """
        protocol = self._need
        answered: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        request = protocol.request(question.kind, **question.fields)
        protocol.ask(request, question.reply, _settle(answered))
        return await answered

    async def get_order(
        self, order_id: str, *, history: bool = False, expires_at_of_place: int | None = None
    ) -> m.OrderReply:
        """`expires_at_of_place` lets the answer say `never_received` of an unknown order."""
        question = q.get_order(order_id, history=history, expires_at_of_place=expires_at_of_place)
        return await self.ask(question)

    async def open_orders(self, account: str, symbol: str | None = None) -> m.VenueOrdersReply:
        """What the venue says now."""
        return await self.ask(q.open_orders(account, symbol))

    async def balances(self, account: str) -> m.BalancesReply:
        return await self.ask(q.balances(account))

    async def health(self) -> m.HealthReply:
        return await self.ask(q.health())

    async def cancel_all(
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
        return await self.ask(question)


def _settle(answered: "asyncio.Future[R]") -> Callable[[R | GatewayError], None]:
    def done(reply: R | GatewayError) -> None:
        if answered.done():
            return
        if isinstance(reply, GatewayError):
            answered.set_exception(reply)
        else:
            answered.set_result(reply)

    return done
