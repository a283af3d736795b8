"""One run: a world is built from its seed, lives through its plan, heals, settles, is judged."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from gateway.client.known import Followed
from gateway.client.protocol import ClientProtocol
from gateway.domain.enums import OrderStatus, Role
from gateway.journal import MemoryFiles
from gateway.paper.liquidity import MarketMaker, default_liquidity
from gateway.paper.symbols import symbol
from gateway.sim.blows import Blows
from gateway.sim.clock import WallClock
from gateway.sim.consumer import Consumer
from gateway.sim.evidence import Remains, gather
from gateway.sim.exchange import Exchange
from gateway.sim.hand import Hand
from gateway.sim.host import Host, database
from gateway.sim.network import Network, PubSub, PushPull, ReqRouter
from gateway.sim.operator import Operator
from gateway.sim.parts import ActionerPart, Components, ExecutorPart, ListenerPart, ManagerPart
from gateway.sim.plan import PLANS, Plan
from gateway.sim.process import Instance, Process
from gateway.sim.randomness import chance
from gateway.sim.records import Evidence
from gateway.sim.scheduler import Scheduler
from gateway.sim.trace import Trace
from gateway.sim.trader import Habits, Trader

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
START = 1_700_000_000 * SECOND
ACCOUNTS = ("main", "hedge")
SYMBOLS = (
    symbol("BTC/USDT", "0.01", "0.00001", "60000"),
    symbol("ETH/USDT", "0.01", "0.0001", "3000"),
)
WARM_UP = 4 * SECOND
MARKET_STEP = SECOND // 2
SETTLE_LEAST = 75 * SECOND
"""Longer than two sweeps, and than the pause between two wide searches for a missing trade."""
SETTLE_MOST = 300 * SECOND
"""Longer than the longest pause between two looks at an order in doubt, several times."""
SETTLE_STEP = 5 * SECOND
HALTS = 0.3
"""In how many worlds somebody halts and resumes: meanwhile there is little else to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    orders: int = 100
    clients: int = 3
    faults: str = "all"
    components: Components = field(default_factory=Components)
    protocol: type[ClientProtocol] = ClientProtocol


class _Numbered(msgspec.Struct):
    account: str
    epoch: int
    seq: int


class World:
    """`run` it once; then `evidence` and `counters` say what happened."""

    def __init__(
        self, seed: int, options: Options, write_trace: Callable[[str], None] | None = None
    ) -> None:
        self.seed = seed
        self.options = options
        self.counters: Counter[str] = Counter()
        self.scheduler = Scheduler(START)
        self.trace = Trace(self.scheduler, write_trace)
        self.published: dict[tuple[str, int, int], int] = {}
        self.plan = self._plan()
        self.host = self._host()
        self.parts = self._parts()
        self.traders = self._traders()
        self.consumers = [
            Consumer(name, account, self.host) for name in ("books",) for account in ACCOUNTS
        ]
        self.operator = Operator(self.host)
        self.processes: dict[str, Process] = {}
        self._build_processes()
        self.hand = Hand(self.host, [each.name for each in SYMBOLS])
        names = tuple(trader.name for trader in self.traders)
        self.blows = Blows(self.host, self.processes, names, self._is_kept_elsewhere)
        self._moving = True
        self._numbered = msgspec.msgpack.Decoder(_Numbered)

    # ---- building ------------------------------------------------------------------------------

    def _plan(self) -> Plan:
        random = chance(self.seed, "plan")
        duration = random.choice((20, 30, 60)) * SECOND
        return PLANS[self.options.faults](random, duration)

    def _host(self) -> Host:
        seed, scheduler, trace, counters = self.seed, self.scheduler, self.trace, self.counters
        around = (trace, counters)

        def pipe(name: str, hwm: int) -> PushPull:
            return PushPull(name, scheduler, chance(seed, name), *around, hwm=hwm)

        status = PubSub(
            "status", scheduler, chance(seed, "status"), *around, hwm=50_000, slow_join=SECOND // 2
        )
        status.on_publish = self._on_publish
        network = Network(
            orders=pipe("orders", 1_000),
            urgent=pipe("urgent", 4_000),
            reports=pipe("reports", 10_000),
            status=status,
            requests=ReqRouter("requests", scheduler, chance(seed, "requests"), *around),
        )
        exchange = Exchange(scheduler, chance(seed, "venue"), *around, symbols=SYMBOLS)
        for account in ACCOUNTS:
            owned = {"USDT": Decimal(10**9), "BTC": Decimal(10**5), "ETH": Decimal(10**6)}
            exchange.core.open_account(account, owned, scheduler.now)
        exchange.makers = [
            MarketMaker(exchange.core, each.name, default_liquidity(each.quote)) for each in SYMBOLS
        ]
        return Host(
            seed=seed,
            scheduler=scheduler,
            trace=trace,
            counters=counters,
            network=network,
            exchange=exchange,
            accounts=ACCOUNTS,
            wall=WallClock(scheduler, self.plan.host_clock_error),
            store=database(scheduler, chance(seed, "store")),
            tears=self.plan.tears,
            segment_records=self.plan.segment_records,
            spare_segments=self.plan.spare_segments,
            files={Role.EXECUTOR: MemoryFiles(), Role.LISTENER: MemoryFiles()},
        )

    def _parts(self) -> dict[str, ExecutorPart | ListenerPart | ActionerPart | ManagerPart]:
        host, components = self.host, self.options.components
        return {
            "listener": ListenerPart(host, components),
            "executor": ExecutorPart(host, components),
            "actioner": ActionerPart(host, components),
            "manager": ManagerPart(host, components),
        }

    def _traders(self) -> list[Trader]:
        options, random = self.options, chance(self.seed, "traders")
        most = self.plan.client_clock_errors
        symbols = [(s.unified, s.tick, s.step, s.start_price) for s in SYMBOLS]
        share = max(options.orders // options.clients, 1)
        habits = Habits(
            orders=share,
            pause=max(self.plan.duration // share // 2, MILLISECOND),
            cancel_all=random.choice((0, 0, 1)),  # it makes good for every cancel that was lost
        )
        return [
            Trader(
                f"trader-{number}",
                self.host,
                WallClock(self.scheduler, random.randrange(-most, most + 1)),
                symbols,
                habits,
                options.protocol,
            )
            for number in range(1, options.clients + 1)
        ]

    def _build_processes(self) -> None:
        for name, part in self.parts.items():
            self._add(name, part.start)
        for trader in self.traders:
            self._add(trader.name, trader.start)
        for consumer in self.consumers:
            self._add(f"{consumer.name}-{consumer.account}", consumer.start)
        if chance(self.seed, "halts").random() < HALTS:
            self._add("operator", self.operator.start)

    def _add(self, name: str, start: Callable[[Instance], None]) -> None:
        process = Process(name, self.trace, self.counters, start, lambda: self.blows.on_end(name))
        self.processes[name] = process

    # ---- running -------------------------------------------------------------------------------

    def run(self) -> Evidence:
        for process in self.processes.values():
            process.start()
        self._move_market()
        self.scheduler.run_until(START + WARM_UP)
        self.hand.start()
        self._let_it_rain()
        self.scheduler.run_until(self.scheduler.now + self.plan.duration)
        if self.plan.calm_first:
            self._calm()
            self.scheduler.run_until(self.scheduler.now + self.plan.calm_first)
        self._heal()
        if not self.plan.calm_first:
            self.scheduler.run_until(self.scheduler.now + 5 * SECOND)
            self._calm()
        self._settle()
        return self.evidence()

    def _move_market(self) -> None:
        if self._moving:
            self.host.exchange.step_market()
            self.scheduler.after(MARKET_STEP, self._move_market)

    def _let_it_rain(self) -> None:
        self.trace.say("world", "faults begin")
        for wire in self.host.network.wires():
            wire.weather = self.plan.weather[wire.name]
        self.host.exchange.plan.replace(self.plan.venue)
        self.blows.start(self.plan)

    def _heal(self) -> None:
        self.trace.say("world", "faults end")
        self.blows.heal()

    def _calm(self) -> None:
        """Nobody asks for anything more, and the market stands still."""
        self.trace.say("world", "all commands are given")
        self._moving = False
        self.hand.rest()
        self.operator.rest()
        for trader in self.traders:
            trader.rest()

    def _is_kept_elsewhere(self, name: str) -> bool:
        """Of the listener's journal by the database, of the executor's by the listener."""
        part = self.parts[name]
        if self.processes[name].instance is None:
            return False
        if isinstance(part, ListenerPart):
            return part.writer is not None and part.writer.lag == 0
        return isinstance(part, ExecutorPart) and part.is_acknowledged

    def _settle(self) -> None:
        end = self.scheduler.now + SETTLE_MOST
        self.scheduler.run_until(self.scheduler.now + SETTLE_LEAST)
        while not self._is_quiet() and self.scheduler.now < end:
            self.scheduler.run_until(self.scheduler.now + SETTLE_STEP)

    def _is_quiet(self) -> bool:
        """Whether nothing is under way any more, as far as the gateway itself says; what it
        learnt last, it may only have learnt half of."""
        if self.scheduler.now - max(self.published.values(), default=0) < SETTLE_LEAST:
            return False
        if not self.operator.is_done:
            return False
        for order in self.host.store.orders().values():
            if order.status.value in ("pending_new", "in_doubt") or order.pending.value != "none":
                return False
            if not order.trades_complete:
                return False
        return all(_is_known(one) for trader in self.traders for one in trader.followed())

    # ---- afterwards ----------------------------------------------------------------------------

    def _on_publish(self, topic: str, frame: bytes) -> None:
        if topic.startswith("stream/"):
            item = self._numbered.decode(frame)
            number = (item.account, item.epoch, item.seq)
            self.published.setdefault(number, self.scheduler.now)
            if self.trace.on:
                self.trace.say("status", topic, msgspec.json.encode(msgspec.msgpack.decode(frame)))

    def evidence(self) -> Evidence:
        return gather(
            Remains(
                host=self.host,
                plan=self.plan,
                traders=tuple(self.traders),
                consumers=tuple(self.consumers),
                operator=self.operator,
                processes=tuple(self.processes.values()),
                published=self.published,
            )
        )


def _is_known(followed: Followed) -> bool:
    """Whether its client knows what became of an order: its end, or that it rests."""
    order = followed.order
    rests = order is not None and order.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)
    return rests or followed.is_settled
