"""Which fault hits which message."""

from random import Random

import msgspec
import pytest

from gateway.paper import Fault, FaultKind, FaultPlan, distort
from gateway.paper.faults import PHASES

K = FaultKind


def chosen(plan: FaultPlan, operation: str, account: str = "main", now: int = 0) -> list[str]:
    return [f.kind.value for f in plan.decide(operation, account, now, Random(1), "rest")]


def test_every_kind_has_a_phase() -> None:
    assert set(PHASES) == set(FaultKind)


@pytest.mark.parametrize(
    ("fault", "operation", "account", "hits"),
    [
        (Fault(K.DROP_ANSWER), "order.place", "main", True),
        (Fault(K.DROP_ANSWER, "order.*"), "order.cancel", "main", True),
        (Fault(K.DROP_ANSWER, "order.*"), "myTrades", "main", False),
        (Fault(K.DROP_ANSWER, account="second"), "order.place", "main", False),
        (Fault(K.DROP_ANSWER, channel="ws"), "order.place", "main", False),
        (Fault(K.DROP_ANSWER), "stream.executionReport", "main", False),
        (Fault(K.DROP_EVENT), "stream.executionReport", "main", True),
        (Fault(K.DROP_EVENT), "order.place", "main", False),
        (Fault(K.WRONG_FIGURES), "stream.executionReport", "main", True),
        (Fault(K.STALE), "stream.executionReport", "main", False),
        (Fault(K.REFUSE_CONNECTION), "stream.connect", "", True),
        (Fault(K.DROP_EVENT), "stream.connect", "", False),
    ],
)
def test_a_fault_hits_only_what_it_matches(
    fault: Fault, operation: str, account: str, hits: bool
) -> None:
    assert bool(chosen(FaultPlan([fault]), operation, account)) is hits


def test_skip_and_count_choose_the_nth_match() -> None:
    plan = FaultPlan([Fault(K.DROP_REQUEST, skip=1, count=2)])

    hits = [bool(chosen(plan, "order.place")) for _ in range(5)]

    assert hits == [False, True, True, False, False]
    assert plan.hits()[0][1] == 2


def test_a_window_of_time_bounds_a_fault() -> None:
    plan = FaultPlan([Fault(K.DROP_REQUEST, after_ns=10, until_ns=20)])

    assert [bool(chosen(plan, "ping", now=now)) for now in (9, 10, 19, 20)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_probability_is_decided_by_the_callers_luck() -> None:
    def run(seed: int) -> list[bool]:
        plan = FaultPlan([Fault(K.DROP_REQUEST, probability=0.5)])
        rng = Random(seed)
        return [bool(plan.decide("order.place", "main", 0, rng)) for _ in range(50)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 0 < sum(run(1)) < 50


def test_a_misspelt_fault_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'[{"kind": "drop_answer", "operatoin": "x"}]', type=list[Fault])
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'[{"kind": "drop_anser"}]', type=list[Fault])


def test_what_is_no_number_any_more_is_not_made_a_wrong_one() -> None:
    both = (Fault(K.BAD_QUANTITY), Fault(K.WRONG_FIGURES))
    spoilt = distort.event({"z": "2", "Z": "40", "q": "4"}, both)

    assert spoilt == {"z": "not-a-number", "Z": "20.00000000", "q": "not-a-number"}
