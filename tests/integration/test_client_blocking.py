"""The blocking client on real sockets."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from client_gateway import SmallGateway, a_gateway, order_of

from gateway.client import Client, ClientOptions, Closed, NotSent, Refused, Restated
from gateway.client import questions as q
from gateway.domain import messages as m
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import Code, GatewayError, TimedOut

PATIENT = ClientOptions(
    client_id="desk", request_timeout_s=20.0, cancel_retry=50_000_000, ask_after=50_000_000
)
QUICK = replace(PATIENT, request_timeout_s=0.3)


@pytest.fixture
def gateway() -> Iterator[SmallGateway]:
    with a_gateway() as one:
        yield one


@pytest.fixture
def client(gateway: SmallGateway) -> Iterator[Client]:
    with Client(gateway.endpoints, "desk", options=PATIENT) as one:
        yield one


@pytest.fixture
def hurried(gateway: SmallGateway) -> Iterator[Client]:
    """Its questions time out soon: on a slow machine also those that are answered."""
    with Client(gateway.endpoints, "desk", options=QUICK) as one:
        yield one


def answered(ask: Callable[[], Any]) -> Any:
    while True:
        try:
            return ask()
        except GatewayError as error:
            if error.code is not Code.TIMED_OUT:
                raise


def place(client: Client, **more: Any) -> Any:
    return client.place("main", "BTC/USDT", "buy", "limit", "1", price="5", **more)


def heard(updates: Any, upto: int) -> list[int]:
    """The numbers of what comes, in a loop that ends when nothing does; on a slow machine more."""
    seqs: list[int] = []
    while not seqs or seqs[-1] < upto:
        seqs += [one.seq for one in updates]
    return seqs


def test_an_order_from_place_to_its_cancel(gateway: SmallGateway, client: Client) -> None:
    order_id = place(client)
    assert client.wait(order_id, until="accepted", timeout=20).status is OrderStatus.NEW
    client.cancel(order_id)

    assert client.wait(order_id, timeout=20).status is OrderStatus.CANCELED
    known = client.order(order_id)
    assert known is not None
    assert known.is_closed


def test_it_is_there_only_once_its_streams_are_whole(gateway: SmallGateway) -> None:
    """A slow joiner: what was published before it came is in the snapshot, what comes after it is
    heard."""
    gateway.do(lambda: setattr(gateway, "heads", False))
    with pytest.raises(TimedOut, match="no whole stream"):
        Client(gateway.endpoints, "desk", connect_timeout=0.3).__enter__()
    gateway.do(lambda: setattr(gateway, "heads", True))
    gateway.do(lambda: gateway.trade(5))
    with Client(gateway.endpoints, "desk") as client:
        assert client.protocol.position("main") == (1, 5)
        updates = client.updates(timeout=20)
        gateway.do(gateway.trade)
        assert next(updates).seq == 6  # type: ignore[union-attr]


def test_a_gateway_that_is_not_there_is_said_so_in_time() -> None:
    with a_gateway(started=False) as gateway, pytest.raises(TimedOut, match="no gateway"):
        Client(gateway.endpoints, "desk", connect_timeout=0.5, options=QUICK).__enter__()


def test_a_lost_last_message_is_found_by_the_next_head(
    gateway: SmallGateway, client: Client
) -> None:
    updates = client.updates(timeout=20)
    gateway.do(gateway.trade)
    gateway.do(lambda: gateway.trade(2, lost=True))

    assert [next(updates).seq for _ in range(3)] == [1, 2, 3]  # type: ignore[union-attr]


def test_updates_go_on_from_loop_to_loop_and_begin_at_the_call(
    gateway: SmallGateway, client: Client
) -> None:
    gateway.do(gateway.trade)
    while client.protocol.position("main") != (1, 1):
        client.pump(0.02)
    updates = client.updates(timeout=0.3)
    gateway.do(lambda: gateway.trade(2))
    assert heard(updates, upto=3) == [2, 3]
    gateway.do(lambda: gateway.trade(2))

    assert heard(updates, upto=5) == [4, 5]


def test_a_new_epoch_is_told_and_followed(gateway: SmallGateway, client: Client) -> None:
    order_id = place(client)
    client.wait(order_id, until="accepted", timeout=20)
    updates = client.updates(timeout=20)
    gateway.do(gateway.renumber)
    gateway.do(gateway.trade)
    began = next(updates)
    assert isinstance(began, Restated)
    assert [order.order_id for order in began.orders] == [order_id]
    gateway.do(gateway.trade)

    assert next(updates).epoch == 2


def test_a_request_that_timed_out_spoils_nothing_case_75(
    gateway: SmallGateway, hurried: Client
) -> None:
    gateway.do(lambda: gateway.deaf_to.add(m.GetHealth))
    with pytest.raises(GatewayError) as late:
        hurried.health()
    assert late.value.code is Code.TIMED_OUT
    gateway.do(gateway.deaf_to.clear)

    assert answered(hurried.accounts).tag == 9
    assert answered(hurried.health).processes == ()


def test_an_alarm_is_acknowledged_and_no_longer_open(gateway: SmallGateway, client: Client) -> None:
    (raised,) = client.alarms(unacknowledged=True).alarms

    taken = client.acknowledge_alarm(raised.alarm_id, "me", "seen to")

    assert (taken.alarm.acknowledged_by, taken.alarm.acknowledged_text) == ("me", "seen to")
    assert client.alarms(unacknowledged=True).alarms == ()
    assert client.alarms().alarms == (taken.alarm,)


def test_a_wait_is_not_held_up_by_questions_that_nobody_answers(
    gateway: SmallGateway, hurried: Client
) -> None:
    gateway.do(lambda: setattr(gateway, "accepts", False))
    gateway.do(lambda: gateway.deaf_to.add(m.GetOrder))
    expired = time.time_ns()
    ids = [place(hurried, expires_at=expired) for _ in range(30)]
    hurried.pump(0.2)
    before = gateway.do(lambda: len(gateway.requests))
    with pytest.raises(TimedOut):
        hurried.wait(ids[0], timeout=0.5)

    assert gateway.do(lambda: len(gateway.requests)) - before < 10


def test_pumping_ends_under_a_flood(gateway: SmallGateway, client: Client) -> None:
    ended = threading.Event()

    def flood() -> None:
        while not ended.is_set():
            gateway.do(lambda: gateway.trade(200))

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        client.pump(0.2)
        client.pump(0)
    finally:
        ended.set()
        thread.join()


def test_a_cancel_is_repeated_while_the_client_waits(gateway: SmallGateway, client: Client) -> None:
    gateway.do(lambda: setattr(gateway, "accepts", False))
    order_id = place(client)
    client.cancel(order_id)
    cancels: list[m.Command] = []
    while len(cancels) < 3:
        client.pump(0.02)
        cancels = gateway.do(lambda: [c for c in gateway.commands if isinstance(c, m.Cancel)])

    assert len({c.command_id for c in cancels}) == 1


def test_a_refused_order_ends_the_wait(gateway: SmallGateway, client: Client) -> None:
    gateway.do(lambda: setattr(gateway, "accepts", False))
    order_id = place(client)
    gateway.until(lambda: bool(gateway.commands))
    gateway.do(lambda: gateway.refuse(gateway.commands[0], Code.HALTED))

    with pytest.raises(Refused) as refused:
        client.wait(order_id, timeout=20)
    assert refused.value.code is Code.HALTED


def test_an_order_whose_update_was_lost_is_found_by_asking(
    gateway: SmallGateway, client: Client
) -> None:
    gateway.do(lambda: setattr(gateway, "accepts", False))
    gateway.do(lambda: setattr(gateway, "heads", False))
    order_id = place(client, expires_at=time.time_ns())
    gateway.until(lambda: bool(gateway.commands))

    def accept() -> None:
        order = gateway.commands[0]
        assert isinstance(order, m.Place)
        gateway.update(order_of(order), lost=True)

    gateway.do(accept)
    assert client.wait(order_id, until="accepted", timeout=20).order_id == order_id


def test_transactions_come_page_by_page_and_then_as_they_happen_case_73(
    gateway: SmallGateway, client: Client
) -> None:
    gateway.do(lambda: gateway.trade(7))
    books = client.transactions("main", "books", timeout=20)
    assert [next(books).seq for _ in range(7)] == list(range(1, 8))
    gateway.do(gateway.trade)
    assert next(books).seq == 8
    assert client.acknowledge("main", "books", 5) == 5

    again = client.transactions("main", "books", timeout=0.2)
    assert [item.seq for item in again] == [6, 7, 8]


def test_a_transaction_that_came_while_the_consumer_did_other_things_is_not_missed(
    gateway: SmallGateway, client: Client
) -> None:
    gateway.do(gateway.trade)
    books = client.transactions("main", "books", timeout=20)
    assert next(books).seq == 1
    gateway.do(gateway.trade)
    client.pump(0.3)  # reads it from the stream, outside of the consumer's loop

    assert next(books).seq == 2


def test_transactions_stepped_over_by_a_new_epoch_are_delivered(
    gateway: SmallGateway, client: Client
) -> None:
    gateway.do(gateway.trade)
    books = client.transactions("main", "books", timeout=20)
    assert next(books).seq == 1
    gateway.do(lambda: gateway.trade(2, lost=True))
    gateway.do(gateway.renumber)

    assert [next(books).seq for _ in range(2)] == [2, 3]


def test_what_will_never_be_answered_is_raised_and_not_asked_for_ever(
    gateway: SmallGateway, client: Client
) -> None:
    gateway.do(lambda: gateway.fails_with.update({m.GetTransactions: Code.UNKNOWN_ACCOUNT}))
    with pytest.raises(GatewayError) as failed:
        next(client.transactions("nobody", "books"))

    assert failed.value.code is Code.UNKNOWN_ACCOUNT


def test_what_fails_for_now_is_asked_again(gateway: SmallGateway, client: Client) -> None:
    gateway.do(gateway.trade)
    gateway.do(lambda: gateway.fails_with.update({m.GetTransactions: Code.STORE_DOWN}))
    threading.Timer(0.3, lambda: gateway.do(gateway.fails_with.clear)).start()

    assert next(client.transactions("main", "books", timeout=20)).seq == 1


def test_transactions_end_while_the_store_is_away(gateway: SmallGateway, client: Client) -> None:
    gateway.do(lambda: gateway.fails_with.update({m.GetTransactions: Code.STORE_DOWN}))
    with pytest.raises(TimedOut):
        next(client.transactions("main", "books", timeout=0.1))


def test_it_can_wait_until_processes_are_ready(gateway: SmallGateway, client: Client) -> None:
    client.until_ready(Role.EXECUTOR, timeout=20)
    with pytest.raises(TimedOut):
        client.until_ready(Role.MANAGER, timeout=0.2)


def test_an_amend_reaches_the_executor(gateway: SmallGateway, client: Client) -> None:
    order_id = place(client)
    client.amend(order_id, price="6")
    gateway.until(lambda: len(gateway.commands) == 2)

    kinds = {type(command) for command in gateway.do(lambda: list(gateway.commands))}
    assert kinds == {m.Place, m.Amend}


def test_a_halt_is_in_force_when_it_returns(gateway: SmallGateway, client: Client) -> None:
    client.halt("main", timeout=20)
    assert gateway.do(lambda: set(gateway.halted)) == {"main"}
    client.resume("main", timeout=20)
    assert gateway.do(lambda: set(gateway.halted)) == set()


def test_a_halt_is_said_until_somebody_carries_it_out(
    gateway: SmallGateway, client: Client
) -> None:
    client.resume(timeout=20)
    gateway.do(lambda: gateway.deaf_to.add(m.Halt))
    with pytest.raises(TimedOut):
        client.halt(timeout=0.1)

    def hear_again() -> None:
        gateway.until(lambda: any(one.account == "main" for one in gateway.commands))
        gateway.do(gateway.deaf_to.clear)

    threading.Thread(target=hear_again, daemon=True).start()
    command_id = client.halt("main", timeout=20)

    said = [command.command_id for command in gateway.do(lambda: list(gateway.commands))]
    assert said.count(command_id) > 1


def test_a_halt_that_is_refused_says_so(gateway: SmallGateway, client: Client) -> None:
    gateway.do(lambda: gateway.deaf_to.add(m.Halt))

    def refuse() -> None:
        gateway.until(lambda: bool(gateway.commands))
        gateway.do(lambda: gateway.refuse(gateway.commands[-1], Code.UNKNOWN_ACCOUNT))

    threading.Thread(target=refuse, daemon=True).start()
    with pytest.raises(Refused) as refused:
        client.halt("nobody", timeout=20)
    assert refused.value.code is Code.UNKNOWN_ACCOUNT


def test_without_an_executor_a_place_is_refused_at_once() -> None:
    with a_gateway(started=False) as gateway:
        client = Client(gateway.endpoints, "desk")
        with pytest.raises(NotSent):
            place(client)
        with pytest.raises(NotSent):
            client.halt(timeout=0.1)
        client.close()


def test_a_closed_client_says_so_and_does_not_spin(gateway: SmallGateway) -> None:
    with Client(gateway.endpoints, "desk") as client:
        updates = client.updates()
        order_id = place(client)
    for use in (
        lambda: client.ask(q.health()),
        lambda: next(updates),
        lambda: client.wait(order_id, until="closed"),
        lambda: next(client.transactions("main", "books")),
    ):
        with pytest.raises(Closed):
            use()
    with pytest.raises(NotSent):
        place(client)
