"""A gateway of a few lines, on real sockets, that does what a test tells it: for the clients."""

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from gateway.domain import codec
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, OrderType, Pending, Role, Side, TransactionKind
from gateway.domain.errors import Code
from gateway.domain.identity import AccountId, ClientId, OrderId, Symbol
from gateway.domain.order import Order, Transaction
from gateway.wire import limits
from gateway.wire.base import Envelope, PullInput
from gateway.wire.endpoints import Endpoints
from gateway.wire.zeromq import ZmqTransport

T = TypeVar("T")
MAIN = AccountId("main")
HEARTBEAT_S = 0.05
DEADLINE_S = 30.0


class SmallGateway:
    """Runs on a thread of its own. What it keeps is touched through `do` only."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.commands: list[m.Command] = []
        self.requests: list[m.AnyRequest] = []
        self.items: list[m.StreamItem] = []
        self.open: dict[str, Order] = {}
        self.alarm = m.KnownAlarm(
            kind="halted", text="halted", at=1, account=MAIN, alarm_id="0" * 32
        )
        self.cursors: dict[str, int] = {}
        self.epoch, self.seq = 1, 0
        self.halted: set[str] = set()
        self.carried_out: list[tuple[str, str]] = []
        self.heads = True
        self.deaf_to: set[type[Any]] = set()
        """Requests of these kinds are not answered, halts and resumes not carried out."""
        self.fails_with: dict[type[Any], Code] = {}
        self.accepts = True
        """A place becomes an order at once."""
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    # ---- its thread ----------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(DEADLINE_S)

    def stop(self) -> None:
        if not self._started.is_set():
            self._loop.close()
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        transport = self._transport = ZmqTransport(self._loop)
        ends = self.endpoints
        transport.bind_pulls(
            (
                PullInput(ends.urgent, self._on_command, limits.URGENT),
                PullInput(ends.orders, self._on_command, limits.ORDERS),
            )
        )
        self._status = transport.bind_pub(ends.status, limits.STATUS)
        self._router = transport.bind_router(ends.requests, self._on_request, limits.REQUESTS)
        self._beat()
        self._started.set()
        self._loop.run_forever()
        transport.close()
        self._loop.close()

    def do(self, action: Callable[[], T]) -> T:
        """Runs it on the gateway's thread."""
        done: list[T] = []
        ready = threading.Event()

        def run() -> None:
            done.append(action())
            ready.set()

        self._loop.call_soon_threadsafe(run)
        assert ready.wait(DEADLINE_S)
        return done[0]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not self.do(condition):
            assert time.monotonic() < deadline, "the condition never held"
            time.sleep(0.005)

    # ---- what it says --------------------------------------------------------------------------

    def _beat(self) -> None:
        self._loop.call_later(HEARTBEAT_S, self._beat)
        if self.heads:
            head = m.Head(account=MAIN, epoch=self.epoch, seq=self.seq, at=1)
            self._status.publish(m.HEADS, codec.encode(head))
            self._tell_health()

    def _tell_health(self) -> None:
        health = m.Health(
            role=Role.EXECUTOR,
            instance="i",
            at=time.time_ns(),
            ready=self.accepts,
            carried_out=tuple(self.carried_out),
        )
        self._status.publish(m.HEALTH, codec.encode(health))

    def publish(self, item: m.StreamItem, *, lost: bool = False) -> None:
        self.items.append(item)
        if not lost:
            self._status.publish(m.stream_topic(MAIN), codec.encode(item))

    def update(self, order: Order, *, lost: bool = False) -> None:
        if order.is_closed:
            self.open.pop(order.order_id, None)
        else:
            self.open[order.order_id] = order
        self.seq += 1
        cause = m.Cause(fact="x", source="")
        self.publish(
            m.OrderUpdate(
                account=MAIN, epoch=self.epoch, seq=self.seq, at=1, order=order, cause=cause
            ),
            lost=lost,
        )

    def trade(self, count: int = 1, *, lost: bool = False) -> None:
        for _ in range(count):
            self.seq += 1
            self.publish(
                m.TransactionUpdate(
                    account=MAIN, epoch=self.epoch, seq=self.seq, at=1, transaction=_fill(self.seq)
                ),
                lost=lost,
            )

    def renumber(self) -> None:
        self.epoch, self.seq = self.epoch + 1, self.seq + 1_000

    def refuse(self, command: Any, code: Code) -> None:
        refusal = m.Refusal(
            at=1,
            client_id=command.client_id,
            command_id=command.command_id,
            code=code,
            text="no",
            order_id=getattr(command, "order_id", ""),
            account=command.account,
        )
        topic = m.refusals_topic(command.client_id)
        self._status.publish(topic, codec.encode(refusal))

    # ---- what it hears -------------------------------------------------------------------------

    def _on_command(self, frame: bytes) -> None:
        command = codec.commands.decode(frame)
        self.commands.append(command)
        if type(command) in self.deaf_to:
            return
        if isinstance(command, m.Halt | m.Resume):
            self._halt_or_resume(command)
        elif isinstance(command, m.Place) and self.accepts:
            self.update(order_of(command))
        elif isinstance(command, m.Cancel) and command.order_id in self.open:
            order = self.open[command.order_id]
            self.update(replace(order, pending=Pending.CANCEL))
            self.update(replace(order, status=OrderStatus.CANCELED))

    def _halt_or_resume(self, command: m.Halt | m.Resume) -> None:
        if isinstance(command, m.Halt):
            self.halted.add(command.account)
        else:
            self.halted.discard(command.account)
        self.carried_out.append((command.client_id, command.command_id))

    def _on_request(self, envelope: Envelope, frame: bytes) -> None:
        request = codec.requests.decode(frame)
        self.requests.append(request)
        if type(request) in self.deaf_to:
            return
        failing = self.fails_with.get(type(request))
        if failing is not None:
            reply: Any = m.Failed(request_id=request.request_id, code=failing, text="no")
        else:
            reply = self._answer(request)
        self._router.reply(envelope, codec.encode(reply))

    def _answer(self, request: m.AnyRequest) -> m.AnyReply:
        answers: dict[type[Any], Callable[[Any], m.AnyReply]] = {
            m.GetAccounts: self._accounts,
            m.TakeSnapshot: self._snapshot,
            m.Replay: self._replay,
            m.GetOrder: self._order,
            m.GetTransactions: self._page,
            m.AcknowledgeTransactions: self._acknowledge,
            m.ListAlarms: self._alarms,
            m.AcknowledgeAlarm: self._acknowledge_alarm,
        }
        return answers.get(type(request), self._health)(request)

    def _health(self, request: m.AnyRequest) -> m.HealthReply:
        return m.HealthReply(request_id=request.request_id, processes=(), streams=())

    def _accounts(self, request: m.GetAccounts) -> m.AccountsReply:
        info = m.AccountInfo(
            account=MAIN, venue="v", epoch=self.epoch, seq=self.seq, stream_up=True
        )
        return m.AccountsReply(request_id=request.request_id, accounts=(info,), tag=9)

    def _snapshot(self, request: m.TakeSnapshot) -> m.SnapshotReply:
        return m.SnapshotReply(
            request_id=request.request_id,
            epoch=self.epoch,
            seq=self.seq,
            orders=tuple(self.open.values()),
        )

    def _replay(self, request: m.Replay) -> m.ReplayReply:
        wanted = range(request.from_seq, request.to_seq + 1)
        found = [i for i in self.items if i.epoch == request.epoch and i.seq in wanted]
        return m.ReplayReply(request_id=request.request_id, items=tuple(found), more=False)

    def _order(self, request: m.GetOrder) -> m.OrderReply:
        order = self.open.get(request.order_id)
        fate: m.Fate = "unknown" if order is None else "known"
        return m.OrderReply(request_id=request.request_id, fate=fate, order=order)

    def _acknowledge(self, request: m.AcknowledgeTransactions) -> m.AcknowledgedReply:
        cursor = max(self.cursors.get(request.consumer, 0), request.seq)
        self.cursors[request.consumer] = cursor
        return m.AcknowledgedReply(request_id=request.request_id, cursor=cursor)

    def _alarms(self, request: m.ListAlarms) -> m.AlarmsReply:
        """One, for as long as nobody has acknowledged it or somebody wants all."""
        is_shown = not (request.unacknowledged and self.alarm.acknowledged_by)
        alarms = (self.alarm,) if is_shown else ()
        return m.AlarmsReply(request_id=request.request_id, alarms=alarms)

    def _acknowledge_alarm(self, request: m.AcknowledgeAlarm) -> m.AlarmReply:
        self.alarm = replace(
            self.alarm, acknowledged_by=request.operator, acknowledged_text=request.text
        )
        return m.AlarmReply(request_id=request.request_id, alarm=self.alarm)

    def _page(self, request: m.GetTransactions) -> m.TransactionsReply:
        cursor = self.cursors.get(request.consumer or "", 0)
        first = cursor + 1 if request.from_seq is None else request.from_seq
        found = [i for i in self.items if isinstance(i, m.TransactionUpdate) and i.seq >= first]
        return m.TransactionsReply(
            request_id=request.request_id,
            items=tuple(found[:3]),
            cursor=cursor,
            more=len(found) > 3,
        )


def order_of(place: m.Place) -> Order:
    return Order(
        order_id=OrderId(place.order_id),
        account=MAIN,
        symbol=Symbol(place.symbol),
        client_id=ClientId(place.client_id),
        side=Side(place.side),
        order_type=OrderType(place.order_type),
        quantity=Decimal(place.quantity),
        status=OrderStatus.NEW,
    )


def _fill(seq: int) -> Transaction:
    return Transaction(
        key=f"k{seq}",
        kind=TransactionKind.FILL,
        order_id=OrderId("o"),
        account=MAIN,
        symbol=Symbol("BTC/USDT"),
        client_id=ClientId("desk"),
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(5),
    )


@contextlib.contextmanager
def a_gateway(*, started: bool = True) -> Iterator[SmallGateway]:
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        gateway = SmallGateway(Endpoints.ipc(Path(folder)))
        if started:
            gateway.start()
        try:
            yield gateway
        finally:
            gateway.stop()
