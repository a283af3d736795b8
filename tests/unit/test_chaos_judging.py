"""What stands after the last look at a run."""

from gateway.chaos.judging import parted
from gateway.sim.records import Violation


def test_what_only_the_last_look_objects_to_may_be_of_the_moment() -> None:
    before = [Violation("state", "order-1", "open, not filled"), Violation("lost", "order-2", "x")]
    last = [
        Violation("state", "order-1", "open, not canceled"),
        Violation("lost", "order-1", "x"),
        Violation("state", "order-3", "open, not filled"),
    ]
    assert parted(last, before) == (last[:1], last[1:])
    assert parted([], before) == ([], [])
