"""How long a change at the venue took to be right and published, and what is blamed for it."""

from collections.abc import Sequence
from decimal import Decimal

from gateway.chaos import recovery
from gateway.chaos.plan import Blow
from gateway.chaos.recovery import CALM, MIXED, SHOWN, SILENT, VERDICT, Sample, Update
from gateway.chaos.striking import Struck
from gateway.paper.entries import Entry, FaultHit, Request
from gateway.sim.records import VenueChange, VenueOrder

SECOND = 1_000_000_000
T = 1_000 * SECOND
ONE = Decimal(1)


def order(status: str, executed: Decimal = ONE) -> VenueOrder:
    change = VenueChange(T, status, ONE, executed, executed)
    return VenueOrder("main", "BTC/USDT", "17", "ours", "buy", ONE, ONE, T, (change,))


def hit(kind: str, at: int) -> list[Entry]:
    """A fault that hit the place of the order."""
    params = {"newClientOrderId": "ours", "symbol": "BTCUSDT"}
    return [
        Request(1, at, "main", "ws", "order.place", params, "ours"),
        FaultHit(2, at, "main", kind, "order.place", 1),
    ]


def sample(
    updates: Sequence[Update], entries: Sequence[Entry] = (), struck: Sequence[Struck] = ()
) -> Sample:
    (found,) = recovery.samples([order("filled")], {"ours": updates}, entries, struck)
    return found


FILLED = Update(T + 3 * SECOND, "filled", ONE)


def test_an_update_that_says_less_does_not_cover_the_change() -> None:
    partly = Update(T + SECOND, "partially_filled", Decimal("0.5"))
    all_but_the_end = Update(T + 2 * SECOND, "partially_filled", ONE)

    found = sample([partly, all_but_the_end, FILLED])

    assert (found.label, found.delay) == (CALM, 3 * SECOND)


def test_what_was_never_covered_is_left_to_the_checker() -> None:
    known = {"ours": [Update(T, "in_doubt", ONE)]}

    assert recovery.samples([order("open")], known, (), ()) == []


def test_the_fault_of_the_order_says_the_class() -> None:
    assert sample([FILLED], hit("drop_answer", T)).label == SHOWN
    assert sample([FILLED], hit("drop_event", T)).label == SILENT
    assert sample([FILLED], hit("invisible", T)).label == VERDICT


def test_a_process_that_falls_meanwhile_is_told_apart() -> None:
    killed = Struck(Blow.KILL, "listener", T + SECOND, T + SECOND)

    assert sample([FILLED], hit("drop_event", T), [killed]).label == MIXED
    assert sample([FILLED], (), [killed]).label == SHOWN


def test_while_a_process_is_stopped_the_time_does_not_run() -> None:
    stopped = Struck(Blow.STOP, "listener", T - SECOND, T + 2 * SECOND)

    assert sample([FILLED], (), [stopped]).delay == SECOND


def test_a_connection_that_fell_before_is_to_blame_for_what_it_delays() -> None:
    cut: list[Entry] = [FaultHit(1, T - 9 * SECOND, "", "cut", "", 0)]

    assert sample([FILLED], cut).label == SHOWN


def test_an_order_that_the_venue_never_had_is_timed_from_its_doubt() -> None:
    known = [Update(T, "in_doubt", ONE), Update(T + 9 * SECOND, "rejected", ONE)]

    (found,) = recovery.verdicts({"ours": known}, set())

    assert (found.label, found.delay) == (VERDICT, 9 * SECOND)
    assert recovery.verdicts({"ours": known}, {"ours"}) == []


def test_the_spread_of_nothing_is_nothing() -> None:
    assert recovery.spread([]).count == 0
    assert recovery.spread([n * SECOND for n in range(1, 101)]).p99 == 100
