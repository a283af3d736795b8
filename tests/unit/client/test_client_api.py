"""Both clients offer the same, and blocking waits keep their word."""

import asyncio
import contextlib
import gc
import inspect
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.attached.aio import AttachedAsyncClient
from gateway.client import AsyncClient, Client
from gateway.client.timers import PolledTimers, QueuedAsker
from gateway.client.updates import Restated, UpdateQueue
from gateway.domain.errors import BadInput, Busy
from gateway.wire.endpoints import Endpoints

ONLY_BLOCKING = {"pump"}
"""It has no loop of its own, so somebody has to drive it."""


def public(client: type[Any]) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers(client) if not name.startswith("_")}


def test_both_have_the_same_methods() -> None:
    both = {"protocol"}  # an attribute of the one, a property of the other
    assert set(public(Client)) - ONLY_BLOCKING - both == set(public(AsyncClient)) - both


@pytest.mark.parametrize("name", [*sorted(set(public(AsyncClient)) - {"protocol"}), "__init__"])
def test_a_method_takes_the_same_in_both(name: str) -> None:
    blocking = inspect.signature(getattr(Client, name)).parameters
    asyncio_ = inspect.signature(getattr(AsyncClient, name)).parameters

    assert [(p.name, p.kind, p.default) for p in blocking.values()] == [
        (p.name, p.kind, p.default) for p in asyncio_.values()
    ]


class Recording(Client):
    """What it would ask, without a gateway."""

    def ask(self, question: Any) -> Any:
        return question.fields


class RecordingAsync(AsyncClient):
    async def ask(self, question: Any) -> Any:
        return question.fields


def test_cancel_all_is_about_ones_own_orders_unless_everyones_are_meant(
    short_folder: Path,
) -> None:
    here = Endpoints.ipc(short_folder)
    asyncio_ = RecordingAsync(here, "desk")
    with contextlib.closing(Recording(here, "desk")) as blocking:
        for more, owner, external in (
            ({}, "desk", False),
            ({"everyone": True}, None, False),
            ({"everyone": True, "include_external": True}, None, True),
        ):
            asked: Any = blocking.cancel_all("main", **more)
            assert (asked["owner"], asked["include_external"]) == (owner, external)
            asked = asyncio.run(asyncio_.cancel_all("main", **more))
            assert (asked["owner"], asked["include_external"]) == (owner, external)

        with pytest.raises(BadInput):
            blocking.cancel_all("main", include_external=True)


class Gateway:
    """What a client that is attached needs to know of it before it is entered."""

    endpoints = Endpoints.inproc("none")
    shared = curve = None


def test_an_attached_client_does_not_keep_those_that_it_gave_out() -> None:
    attached = AttachedAsyncClient(Gateway(), "desk")  # type: ignore[arg-type]
    kept = attached.client("kept")
    for number in range(3):
        attached.client(f"dropped{number}")
    gc.collect()

    assert list(attached._given) == [kept]


def test_a_queue_that_overflowed_hands_out_what_it_kept_and_then_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.client.updates.UPDATES_KEPT", 2)
    queue = UpdateQueue()
    updates = [Restated("main", 1, seq, ()) for seq in range(4)]
    for one in updates:
        queue.put(one)

    assert [queue.take(), queue.take()] == updates[:2]
    queue.put(updates[3])
    with pytest.raises(Busy):
        queue.take()


def test_timers_fire_in_order_once_and_not_after_they_were_canceled() -> None:
    timers, fired = PolledTimers(), []
    timers.after(0, lambda: fired.append("b"))
    timers.after(-1_000_000_000, lambda: fired.append("a"))
    canceled = timers.after(0, lambda: fired.append("never"))
    canceled.cancel()
    timers.after(10**15, lambda: fired.append("later"))
    timers.run_due()
    timers.run_due()

    assert fired == ["a", "b"]
    assert timers.next_at() > time.monotonic()


def test_a_timer_that_arms_itself_again_does_not_hold_up_the_others() -> None:
    timers, fired = PolledTimers(), []

    def again() -> None:
        fired.append(1)
        timers.after(0, again)

    again()
    timers.run_due()

    assert len(fired) <= 2


class Requester:
    """Answers when it is told to; notes how long it was given."""

    def __init__(self) -> None:
        self.reply: bytes | None = None
        self.given: list[float] = []

    def request(self, _frame: bytes, timeout_s: float) -> bytes | None:
        self.given.append(timeout_s)
        return self.reply


def test_a_question_gets_the_time_that_is_left_and_more_when_that_was_too_short() -> None:
    requester, replies = Requester(), []
    asker = QueuedAsker(requester)  # type: ignore[arg-type]
    for _ in range(5):
        asker.later(lambda: asker.request(b"q", 5.0, replies.append))
    assert asker.run_one(2.0)
    assert asker.run_one(0.0)
    assert asker.run_one(-1.0)
    requester.reply = b"a"
    assert asker.run_one(0.0)
    assert asker.run_one(0.0)

    assert not asker.run_one(9.0)
    assert requester.given == [2.0, 0.5, 1.0, 2.0, 0.25]
    assert replies == [None, None, None, b"a", b"a"]
