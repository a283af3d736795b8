"""`ports.Venue` over the simulated exchange: it answers as the real adapter does."""

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal

from gateway.domain import venue as v
from gateway.domain.errors import Code
from gateway.domain.identity import (
    EXTERNAL_TAG,
    AccountId,
    OrderId,
    Symbol,
    VenueOrderId,
    order_id_tag,
)
from gateway.domain.money import is_multiple
from gateway.domain.order import NewOrder
from gateway.paper.entries import Event, Execution, Position
from gateway.paper.faults import Fault, FaultKind
from gateway.paper.orders import LIMIT, MARKET
from gateway.paper.orders import Order as PaperOrder
from gateway.paper.orders import Trade as PaperTrade
from gateway.paper.results import Canceled, Placed
from gateway.paper.view import View
from gateway.ports import Clock
from gateway.sim import words
from gateway.sim.exchange import Call, Exchange, How, Line, Reply, order_missing
from gateway.sim.process import Instance
from gateway.sim.scheduler import Scheduler

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
WINDOW = 5 * SECOND
FIRST_PAUSE, LONGEST_PAUSE = SECOND // 10, 30 * SECOND
PAGE = 1_000

PROFILE = v.VenueProfile(
    venue="paper",
    visibility_lag=SECOND,
    receive_window=WINDOW,
    can_amend=True,
    has_private_stream=True,
)

Done = Callable[[v.VenueAnswer], None]
Translate = Callable[[Reply], v.VenueAnswer]
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
        self._timeout = timeout
        self._under_way: dict[OrderId, deque[Callable[[], None]]] = {}
        self._on_event: Callable[[v.StreamEvent], None] | None = None
        self._line: Line | None = None
        self._heard_up: bool | None = None
        self._pause = FIRST_PAUSE
        listed = exchange.core.symbols()
        self._names = {each.unified: each.name for each in listed}
        self._symbols = {each.name: Symbol(each.unified) for each in listed}
        self._markets = {Symbol(each.unified): words.market_of(each) for each in listed}

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
            self._query(request, done)
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

    def _send(
        self,
        operation: str,
        perform: Callable[[View], object],
        translate: Translate,
        done: Done,
        client_order_id: str = "",
        **params: str,
    ) -> None:
        """One request; `done` gets one answer, a time-out's if none comes."""
        call = Call(
            account=self._account,
            operation=operation,
            params=params,
            client_order_id=client_order_id,
            signed_at=self._clock.now(),
            window=WINDOW,
            perform=perform,
        )
        pending = [done]

        def answer(reply: Reply) -> None:
            if pending:
                pending.pop()(translate(reply))

        def finish(reply: Reply) -> None:
            self._instance.enter(lambda: answer(reply))

        self._scheduler.after(self._timeout, lambda: finish(Reply(How.CLOSED, text="time-out")))
        self._exchange.submit(call, finish)

    def _later(self, done: Done, answer: v.VenueAnswer) -> None:
        self._scheduler.after(0, lambda: self._instance.enter(lambda: done(answer)))

    # ---- commands ------------------------------------------------------------------------------

    def _place(self, request: v.PlaceOrder, done: Done) -> None:
        order = request.order
        if order.expires_at and self._clock.now() > order.expires_at:
            self._later(done, v.NotSent(code=Code.EXPIRED, text="expired before it was sent"))
            return
        refusal = self._unplaceable(order)
        if refusal is not None:
            self._later(done, refusal)
            return
        name = self._names[order.symbol]
        new = words.paper_order(order, name)
        core, exchange = self._exchange.core, self._exchange
        self._send(
            "order.place",
            lambda _view: core.place(self._account, new, exchange.now),
            lambda reply: self._command_answer(reply, self._placed),
            done,
            client_order_id=new.client_order_id,
            symbol=name,
            expires_at=str(order.expires_at),
        )

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
        if _hit(faults, FaultKind.NO_IDS):
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
            self._later(done, v.NotSent(code=Code.AMEND_UNSUPPORTED, text=text))
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

        self._send(
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
            self._later(done, v.NotSent(code=Code.UNKNOWN_SYMBOL, text="no such market"))
            return
        by = request.venue_order_id

        def perform(_view: View) -> object:
            if by is not None:
                number = _venue_number(by)
                return core.cancel(self._account, name, exchange.now, order_id=number)
            return core.cancel(self._account, name, exchange.now, client_order_id=request.order_id)

        self._send(
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
        if _hit(faults, FaultKind.NO_IDS):
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

    # ---- questions -----------------------------------------------------------------------------

    def _query(self, request: v.VenueRequest, done: Done) -> None:
        match request:
            case v.FetchOrder():
                self._fetch_order(request, done)
            case v.FetchOpenOrders():
                self._fetch_open_orders(done)
            case v.FetchTrades():
                self._fetch_trades(request, done)
            case v.FetchBalances():
                self._fetch_balances(done)

    def _fetch_order(self, request: v.FetchOrder, done: Done) -> None:
        """By our id, then by the venue's."""
        name = self._names.get(request.symbol)
        if name is None:
            self._later(done, v.QueryFailed(code=Code.UNKNOWN_SYMBOL, text="no such market"))
            return
        names: list[tuple[int | None, str | None]] = []
        if order_id_tag(request.order_id) != EXTERNAL_TAG:
            names.append((None, request.order_id))
        if request.venue_order_id is not None:
            names.append((_venue_number(request.venue_order_id), None))
        if not names:
            text = "this order has no name that the venue knows"
            self._later(done, v.QueryFailed(code=Code.VENUE_QUERY_FAILED, text=text))
            return
        self._fetch_by(names, name, request, done)

    def _fetch_by(
        self,
        names: list[tuple[int | None, str | None]],
        symbol: str,
        request: v.FetchOrder,
        done: Done,
    ) -> None:
        (number, ours), *others = names
        core = self._exchange.core

        def perform(view: View) -> object:
            found = core.order(self._account, symbol, order_id=number, client_order_id=ours)
            seen = view.orders([found])
            if not seen:
                raise order_missing()
            return seen[0]

        def answered(answer: v.VenueAnswer) -> None:
            if isinstance(answer, v.OrderNotFound) and others:
                self._fetch_by(others, symbol, request, done)
            elif isinstance(answer, v.OrderFound) and request.with_trades:
                self._fetch_its_trades(answer, symbol, done)
            else:
                done(answer)

        self._send("order.status", perform, self._order_found, answered, client_order_id=ours or "")

    def _order_found(self, reply: Reply) -> v.VenueAnswer:
        if reply.how is How.RESULT and isinstance(reply.result, PaperOrder):
            symbol = self._symbols[reply.result.symbol]
            return v.OrderFound(order=words.venue_order(reply.result, symbol, reply.faults))
        missing = reply.how is How.ERROR and reply.status < 500 and reply.code == -2013
        return v.OrderNotFound(searched=("by_id",)) if missing else query_failed(reply)

    def _fetch_its_trades(self, found: v.OrderFound, name: str, done: Done) -> None:
        """That the order was found counts even if its trades can't be had now."""
        number = _venue_number(found.order.venue_order_id)
        core = self._exchange.core

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT:
                return found
            trades = tuple(self._trades_in(reply))
            return v.OrderFound(order=found.order, trades=trades, trades_asked=True)

        self._send(
            "myTrades",
            lambda view: view.trades(core.trades(self._account, name, order_id=number)),
            translate,
            done,
        )

    def _fetch_open_orders(self, done: Done) -> None:
        core = self._exchange.core

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT or not isinstance(reply.result, list):
                return query_failed(reply)
            found = tuple(
                words.venue_order(order, self._symbols[order.symbol], reply.faults)
                for order in reply.result
            )
            return v.OpenOrders(orders=found)

        self._send(
            "openOrders.status",
            lambda view: view.orders(core.open_orders(self._account)),
            translate,
            done,
        )

    def _fetch_trades(self, request: v.FetchTrades, done: Done) -> None:
        """All pages: a page that is full asks for the next one, by the last trade's id."""
        core = self._exchange.core
        name = self._names.get(request.symbol)
        if name is None:
            self._later(done, v.QueryFailed(code=Code.UNKNOWN_SYMBOL, text="no such market"))
            return
        since = request.since // MILLISECOND * MILLISECOND

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT:
                return query_failed(reply)
            return v.Trades(trades=tuple(self._trades_in(reply)))

        self._send(
            "myTrades",
            lambda view: view.trades(
                core.trades(self._account, name, start=since, limit=PAGE * PAGE)
            ),
            translate,
            done,
        )

    def _trades_in(self, reply: Reply) -> list[v.VenueTrade]:
        """A REST fill names its order by the venue's id only."""
        raw = reply.result if isinstance(reply.result, list) else []
        trades = [
            words.venue_trade(trade, self._symbols[trade.symbol], reply.faults, named=False)
            for trade in raw
            if isinstance(trade, PaperTrade)
        ]
        if trades and _hit(reply.faults, FaultKind.CONFLICTING_TRADE):
            trades.append(words.conflicting(trades[-1]))
        return trades

    def _fetch_balances(self, done: Done) -> None:
        core = self._exchange.core

        def translate(reply: Reply) -> v.VenueAnswer:
            if reply.how is not How.RESULT or not isinstance(reply.result, dict):
                return query_failed(reply)
            found: dict[str, tuple[Decimal, Decimal]] = reply.result
            return v.Balances(
                balances=tuple(
                    v.Balance(currency=asset, free=free, locked=locked)
                    for asset, (free, locked) in sorted(found.items())
                )
            )

        self._send(
            "account.status",
            lambda _view: {
                asset: (held.free, held.locked)
                for asset, held in core.balances(self._account).items()
            },
            translate,
            done,
        )

    # ---- the private stream --------------------------------------------------------------------

    def listen(self, on_event: Callable[[v.StreamEvent], None]) -> None:
        self._instance.touch()
        self._on_event = on_event
        self._dial()

    def _dial(self) -> None:
        self._scheduler.after(self._exchange.travel() * 2, self._dialed)

    def _dialed(self) -> None:
        if not self._instance.alive:
            return
        line = self._line = self._exchange.dial(
            self._account, lambda event, faults: self._heard(line, event, faults)
        )
        if line is None:
            self._went_down("connection refused")
        else:
            self._heard_up = True
            self._pause = FIRST_PAUSE
            self._tell(v.StreamUp(account=self._account))

    def _went_down(self, text: str) -> None:
        self._line = None
        if self._heard_up is not False:
            self._heard_up = False
            self._tell(v.StreamDown(account=self._account, text=text))
        self._scheduler.after(self._pause, self._dial)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _heard(self, line: Line | None, event: Event | None, faults: tuple[Fault, ...]) -> None:
        if line is None or line is not self._line:
            return
        if not self._instance.alive:
            self._exchange.hang_up(line)
        elif event is None:
            self._went_down("the connection was closed")
        elif isinstance(event, Execution):
            self._on_execution(event, faults)
        elif isinstance(event, Position):
            self._tell(
                v.BalancesHeard(
                    account=self._account,
                    balances=tuple(
                        v.Balance(currency=held.asset, free=held.free, locked=held.locked)
                        for held in event.balances
                    ),
                )
            )

    def _on_execution(self, event: Execution, faults: tuple[Fault, ...]) -> None:
        symbol = self._symbols[event.order.symbol]
        if event.trade is not None:
            trade = words.venue_trade(event.trade, symbol, faults)
            self._tell(v.TradeHeard(account=self._account, trade=trade))
            if _hit(faults, FaultKind.CONFLICTING_TRADE):
                other = words.conflicting(trade)
                self._tell(v.TradeHeard(account=self._account, trade=other))
        order = words.venue_order(event.order, symbol, faults)
        self._tell(v.OrderHeard(account=self._account, order=order))

    def _tell(self, event: v.StreamEvent) -> None:
        on_event = self._on_event
        if on_event is not None:
            self._instance.enter(lambda: on_event(event))


def query_failed(reply: Reply) -> v.QueryFailed:
    code = Code.VENUE_QUERY_FAILED
    if reply.how is How.ERROR and reply.status < 500:
        code = words.refusal_code(reply.code, reply.text) or code
    elif reply.how in (How.UNREACHABLE, How.CLOSED):
        code = Code.VENUE_UNREACHABLE
    return v.QueryFailed(code=code, text=reply.text or reply.how.value)


def _hit(faults: tuple[Fault, ...], kind: FaultKind) -> bool:
    return any(fault.kind is kind for fault in faults)


def _venue_number(text: str) -> int:
    return int(text) if text.isdigit() else 0
