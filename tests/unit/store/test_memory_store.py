"""What the store in memory has beside the contract: its switches and its views."""

from typing import Any

from store_kit import ACCOUNT, batch, fill, numbers, order, order_id, refusal, update

from gateway.domain import records as r
from gateway.domain.errors import Code
from gateway.store.memory import MemoryStore


def test_nothing_happens_before_its_turn() -> None:
    store, answers = MemoryStore(), []
    store.write(batch(update(1, order())), answers.append)
    assert (store.items(), answers) == ([], [])

    assert store.run() == 1

    assert (numbers(store.items()), answers) == ([1], [None])


def test_work_goes_to_whoever_defers_it() -> None:
    planned: list[Any] = []
    store, answers = MemoryStore(defer=planned.append), []
    store.ask(r.FindOrders(), answers.append)

    planned.pop()()

    assert answers == [r.FoundOrders(orders=())]


def test_a_store_that_is_down_does_nothing_and_says_so() -> None:
    store, answers = MemoryStore(), []
    store.down = True
    store.write(batch(update(1, order())), answers.append)
    store.ask(r.FindOrders(), answers.append)
    store.run()

    assert [answer.code for answer in answers] == [Code.STORE_DOWN, Code.STORE_DOWN]
    assert store.items() == []


def test_a_store_whose_answers_are_lost_does_it_all_the_same() -> None:
    store, answers = MemoryStore(), []
    store.answers_lost = True
    store.write(batch(update(1, order())), answers.append)
    store.run()

    assert answers[0].code is Code.STORE_DOWN
    assert numbers(store.items()) == [1]


def test_a_dump_restored_is_the_store_as_it_was() -> None:
    store = MemoryStore()
    store.write(batch(update(1, order()), refusals=(refusal(),)), lambda _: None)
    store.run()
    dumped = store.dump()
    store.write(batch(update(2, order(reason="later")), fill(3, order()), upto=3), lambda _: None)
    store.ask(r.MoveCursor(account=ACCOUNT, consumer="books", seq=3), lambda _: None)
    store.run()

    store.restore(dumped)

    assert numbers(store.items()) == [1]
    assert store.orders() == {order_id(1): order()}
    assert store.transactions() == []
    assert store.cursors() == {}
    assert store.refusals() == [refusal()]
