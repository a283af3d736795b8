"""`ports.Venue` over the simulated exchange: it answers as the real adapter does."""

from collections import deque
from collections.abc import Callable, Mapping

from gateway.domain import venue as v
from gateway.domain.errors import Code
from gateway.domain.identity import (
    AccountId,
    OrderId,
    Symbol,
    VenueOrderId,
)
from gateway.domain.money import is_multiple
from gateway.domain.order import NewOrder
from gateway.paper.faults import Fault, FaultKind
from gateway.paper.orders import LIMIT, MARKET
from gateway.paper.results import Canceled, Placed
from gateway.paper.view import View
from gateway.ports import Clock
from gateway.sim import words
from gateway.sim.caller import WINDOW, Caller, Done
from gateway.sim.exchange import Exchange, How, Reply
from gateway.sim.private_stream import PrivateStream
from gateway.sim.process import Instance
from gateway.sim.queries import Queries
from gateway.sim.scheduler import Scheduler

SECOND = 1_000_000_000

PROFILE = v.VenueProfile(
    venue="paper",
    visibility_lag=SECOND,
    receive_window=WINDOW,
    can_amend=True,
    has_private_stream=True,
    lists_closed_orders=True,
)

_COMMANDS = (v.PlaceOrder, v.AmendOrder, v.CancelOrder)


class SimVenue:
    """One account, for one instance of a process. A request that has left outlives the process."""

    def __init__(
        self,
        account: str,
        exchange: Exchange,
        instance: Instance,
        clock: Clock,
        scheduler: Scheduler,
        *,
        timeout: int = 10 * SECOND,
    ) -> None:
        self._account = AccountId(account)
        self._exchange = exchange
        self._instance = instance
        self._clock = clock
        self._scheduler = scheduler
        self._caller = Caller(self._account, exchange, instance, clock, scheduler, timeout)
        self._queries = Queries(self._caller)
        self._names = self._caller.names
        self._symbols = self._caller.symbols
        self._markets = self._caller.markets
        self._under_way: dict[OrderId, deque[Callable[[], None]]] = {}
        self._stream: PrivateStream | None = None

    @property
    def account(self) -> AccountId:
        return self._account

    @property
    def profile(self) -> v.VenueProfile:
        return PROFILE

    @property
    def ready(self) -> bool:
        return True

    @property
    def markets(self) -> Mapping[Symbol, v.Market]:
        return self._markets

    # ---- requests ------------------------------------------------------------------------------

    def start(self, request: v.VenueRequest, done: Done) -> None:
        self._instance.touch()
        if not isinstance(request, _COMMANDS):
            self._queries.ask(request, done)
            return
        order_id = request.order.order_id if isinstance(request, v.PlaceOrder) else request.order_id
        waiting = self._under_way.get(order_id)
        if waiting is not None:
            waiting.append(lambda: self._command(request, done))
            return
        self._under_way[order_id] = deque()
        self._command(request, done)

    def _command(self, request: v.PlaceOrder | v.AmendOrder | v.CancelOrder, done: Done) -> None:
        match request:
            case v.PlaceOrder(order=order):
                order_id = order.order_id
            case _:
                order_id = request.order_id
        ended = self._then_next(order_id, done)
        match request:
            case v.PlaceOrder():
                self._place(request, ended)
            case v.AmendOrder():
                self._amend(request, ended)
            case v.CancelOrder():
                self._cancel(request, ended)

    def _then_next(self, order_id: OrderId, done: Done) -> Done:
        def ended(answer: v.VenueAnswer) -> None:
            waiting = self._under_way[order_id]
            if waiting:
                self._scheduler.after(0, lambda: self._instance.enter(waiting.popleft()))
            else:
                del self._under_way[order_id]
            done(answer)

        return ended

    # ---- commands ------------------------------------------------------------------------------

    def _place(self, request: v.PlaceOrder, done: Done) -> None:
        order = request.order
        if self._is_too_late(order.expires_at, done):
            return
        refusal = self._unplaceable(order)
        if refusal is not None:
            self._caller.later(done, refusal)
            return
        name = self._names[order.symbol]
        new = words.paper_order(order, name)
        core, exchange = self._exchange.core, self._exchange
        self._caller.send(
            "order.place",
            lambda _view: core.place(self._account, new, exchange.now),
            lambda reply: self._command_answer(reply, self._placed),
            done,
            client_order_id=new.client_order_id,
            symbol=name,
            expires_at=str(order.expires_at),
        )

    def _is_too_late(self, expires_at: int, done: Done) -> bool:
        too_late = 0 < expires_at < self._clock.now()
        if too_late:
            answer = v.NotSent(code=Code.EXPIRED, text="expired before it was sent")
            self._caller.later(done, answer)
        return too_late

    def _unplaceable(self, order: NewOrder) -> v.NotSent | None:
        """The real adapter's library would round these figures without a word."""
        market = self._markets.get(order.symbol)
        if market is None:
            return v.NotSent(code=Code.UNKNOWN_SYMBOL, text="no such market")
        if not is_multiple(order.quantity, market.quantity_step):
            return v.NotSent(code=Code.QUANTITY_PRECISION, text="no multiple of the step")
        for price in (order.price, order.stop_price):
            if price is not None and not is_multiple(price, market.price_step):
                return v.NotSent(code=Code.PRICE_PRECISION, text="no multiple of the step")
        return None

    def _placed(self, result: object, faults: tuple[Fault, ...]) -> v.CommandAnswer:
        if not isinstance(result, Placed):
            raise TypeError(result)
        if words.has(faults, FaultKind.NO_IDS):
            return v.OutcomeUnknown(text="an answer without an order id")
        symbol = self._symbols[result.order.symbol]
        tells_fills = result.order.type in (LIMIT, MARKET)
        trades = result.fills if tells_fills else ()
        return v.Done(
            venue_order_id=VenueOrderId(str(result.order.order_id)),
            order=words.venue_order(result.order, symbol, faults),
            trades=tuple(words.venue_trade(trade, symbol, faults) for trade in trades),
        )

    def _amend(self, request: v.AmendOrder, done: Done) -> None:
        """Binance's `order.amend.keepPriority`: a smaller quantity, nothing else."""
        if request.quantity is None or request.price is not None:
            text = "the venue amends nothing but the quantity"
            self._caller.later(done, v.NotSent(code=Code.AMEND_UNSUPPORTED, text=text))
            return
        if self._is_too_late(request.expires_at, done):
            return
        core, exchange = self._exchange.core, self._exchange
        name, quantity = self._names[request.symbol], request.quantity

        def perform(_view: View) -> object:
            return core.amend_keep_priority(
                self._account,
                name,
                quantity,
                exchange.now,
                client_order_id=request.order_id,
                new_client_order_id=request.order_id,
            )

        self._caller.send(
            "order.amend.keepPriority",
            perform,
            lambda reply: self._command_answer(
                reply, lambda _result, _faults: v.Done(venue_order_id=request.venue_order_id)
            ),
            done,
            client_order_id=request.order_id,
            symbol=name,
            quantity=str(quantity),
        )

    def _cancel(self, request: v.CancelOrder, done: Done) -> None:
        core, exchange = self._exchange.core, self._exchange
        name = self._names.get(request.symbol)
        if name is None:
            self._caller.later(done, v.NotSent(code=Code.UNKNOWN_SYMBOL, text="no such market"))
            return
        by = request.venue_order_id

        def perform(_view: View) -> object:
            if by is not None:
                number = words.venue_number(by)
                return core.cancel(self._account, name, exchange.now, order_id=number)
            return core.cancel(self._account, name, exchange.now, client_order_id=request.order_id)

        self._caller.send(
            "order.cancel",
            perform,
            lambda reply: self._command_answer(reply, self._canceled),
            done,
            client_order_id="" if by else request.order_id,
            symbol=name,
            order_id=by or "",
        )

    def _canceled(self, result: object, faults: tuple[Fault, ...]) -> v.CommandAnswer:
        if not isinstance(result, Canceled):
            raise TypeError(result)
        order = result.order
        if words.has(faults, FaultKind.NO_IDS):
            return v.Done(venue_order_id=VenueOrderId(str(order.order_id)))
        return v.Done(
            venue_order_id=VenueOrderId(str(order.order_id)),
            order=words.venue_order(order, self._symbols[order.symbol], faults),
        )

    def _command_answer(
        self, reply: Reply, read: Callable[[object, tuple[Fault, ...]], v.CommandAnswer]
    ) -> v.CommandAnswer:
        match reply.how:
            case How.RESULT:
                return read(reply.result, reply.faults)
            case How.UNREACHABLE:
                return v.NotSent(code=Code.VENUE_UNREACHABLE, text="connection refused")
            case How.ERROR if reply.status < 500:
                code = words.refusal_code(reply.code, reply.text)
                if code is not None:
                    return v.Refused(code=code, text=reply.text, venue_code=str(reply.code))
        text = reply.text or f"no answer that can be read ({reply.how.value})"
        return v.OutcomeUnknown(text=text, venue_code=str(reply.code or ""))

    def listen(self, on_event: Callable[[v.StreamEvent], None]) -> None:
        self._instance.touch()
        self._stream = PrivateStream(
            self._account, self._exchange, self._instance, self._scheduler, on_event
        )
        self._stream.dial()

    def redial(self, reason: str) -> None:
        self._instance.touch()
        if self._stream is not None:
            self._stream.redial(reason)
