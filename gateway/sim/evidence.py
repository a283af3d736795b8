"""Writes down, as plain records, everything that a world leaves behind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.paper.faults import FaultKind
from gateway.sim import rows
from gateway.sim.caller import WINDOW
from gateway.sim.consumer import Consumer
from gateway.sim.host import TAG, Host
from gateway.sim.operator import Operator
from gateway.sim.plan import Plan
from gateway.sim.process import Process
from gateway.sim.records import (
    Alarm,
    Bound,
    Consumed,
    Evidence,
    Followed,
    Refusal,
)
from gateway.sim.trader import Trader

EXCUSES: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.WRONG_FIGURES: ("filled_less_at_venue",),
    FaultKind.STALE: ("filled_less_at_venue",),
    FaultKind.CONFLICTING_TRADE: ("trade_conflict", "trade_amended"),
    **dict.fromkeys(
        (
            FaultKind.SILENCE,
            FaultKind.DROP_EVENT,
            FaultKind.DELAY_EVENT,
            FaultKind.REORDER_EVENT,
        ),
        ("stream_silent",),
    ),
}
"""What the venue itself says wrongly, the gateway rightly raises an alarm about."""

LOST_RECORDS = (
    "journal_damaged",
    "journal_rewound",
    "outbox_begun",
    "recovered",
    "store_behind_journal",
    "transaction_repeated",
)
"""What is right to be raised when a journal has lost records."""


@dataclass(frozen=True, slots=True)
class Remains:
    host: Host
    plan: Plan
    traders: tuple[Trader, ...]
    consumers: tuple[Consumer, ...]
    operator: Operator
    processes: tuple[Process, ...]
    published: Mapping[tuple[str, int, int], int]


def gather(remains: Remains) -> Evidence:
    host = remains.host
    entries = host.exchange.core.record.entries()
    venue_orders, venue_fills = rows.venue_orders(entries, host.exchange.core.symbols())
    return Evidence(
        tag=TAG,
        receive_window=WINDOW,
        clock_error=remains.plan.venue_skew,
        losses=host.losses,
        blind_epochs=frozenset(host.blind_epochs),
        excused_alarms=_excused(remains),
        venue_orders=tuple(venue_orders),
        venue_fills=tuple(venue_fills),
        venue_requests=tuple(rows.venue_requests(entries, host.exchange.core.symbols())),
        orders=tuple(rows.held_order(order) for order in host.store.orders().values()),
        items=tuple(
            rows.item_row(item, remains.published.get((item.account, item.epoch, item.seq)))
            for item in host.store.items()
        ),
        refusals=tuple(
            Refusal(one.client_id, one.command_id, one.order_id, one.code.value)
            for one in host.store.refusals()
        ),
        alarms=tuple(
            Alarm(one.kind, one.account, one.order_id or "", one.text)
            for one in host.store.alarms()
        ),
        rejected_rows=tuple(repr(row[:200]) for row in host.store.rejected()),
        commands=(
            *(c for trader in remains.traders for c in trader.diary.commands),
            *remains.operator.commands,
        ),
        beliefs=tuple(
            rows.belief(trader.name, one) for trader in remains.traders for one in trader.followed()
        ),
        followed=tuple(_followed(remains.traders)),
        consumed=tuple(
            Consumed(one.name, one.account, tuple(one.deliveries)) for one in remains.consumers
        ),
        bounds=tuple(_bounds(host)),
        falls=tuple(fall for process in remains.processes for fall in process.falls),
    )


def _excused(remains: Remains) -> frozenset[str]:
    faults = [kind for fault in remains.plan.venue for kind in EXCUSES.get(fault.kind, ())]
    return frozenset((*faults, *(LOST_RECORDS if remains.host.losses else ())))


def _followed(traders: Iterable[Trader]) -> Iterable[Followed]:
    """The last entries of a trader's diary are of the life that it has at the end."""
    for trader in traders:
        live = trader.live_streams()
        for name, account, heard in trader.diary.streams:
            is_live = any(heard is one for one in live)
            yield Followed(name, account, is_live, tuple(heard))


def _bounds(host: Host) -> Iterable[Bound]:
    network = host.network
    for wire in (network.orders, network.urgent, network.reports):
        yield Bound(f"queue of {wire.name}", wire.most_queued, wire.hwm)
    yield Bound("queue of status", network.status.most_queued, network.status.hwm)
