"""What every store must do: the definition of done for a new one."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

import pytest
from msgspec.structs import replace
from store_kit import (
    ACCOUNT,
    JOURNAL,
    NOW,
    OTHER,
    Store,
    WaitedMemory,
    WaitedPostgres,
    alarm,
    batch,
    fill,
    intricate_order,
    numbers,
    order,
    order_id,
    refusal,
    update,
)

from gateway.domain import records as r
from gateway.domain.alarms import alarm_id_of
from gateway.domain.change import Alarm
from gateway.domain.codec import encode
from gateway.domain.enums import OrderStatus, TransactionKind
from gateway.domain.identity import AccountId, OrderId, Symbol
from gateway.domain.messages import KnownAlarm, StreamPosition
from gateway.domain.trade import TradeDigest, fee_key
from gateway.store.postgres import PostgresStore


@pytest.fixture
def alarms() -> list[Alarm]:
    """What the store noticed itself."""
    return []


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest, alarms: list[Alarm]) -> Iterator[Store]:
    if request.param == "memory":
        yield WaitedMemory(alarms)
        return
    postgres = PostgresStore(request.getfixturevalue("database_url"), on_alarm=alarms.append)
    with asyncio.Runner() as runner:
        runner.run(postgres.open(migrating=True))
        yield WaitedPostgres(runner, postgres)
        runner.run(postgres.close())


def seqs(store: Store, first: int = 1, last: int = 99, limit: int = 100) -> list[int]:
    found = store.ask(r.FindItems(account=ACCOUNT, from_seq=first, to_seq=last, limit=limit))
    return numbers(found.items)


def transactions(store: Store, first: int = 1, limit: int = 100) -> list[int]:
    found = store.ask(r.FindTransactions(account=ACCOUNT, from_seq=first, limit=limit))
    return numbers(found.items)


def found_order(store: Store, number: int = 1) -> r.FoundOrder:
    answer = store.ask(r.FindOrder(order_id=order_id(number), history=True))
    assert isinstance(answer, r.FoundOrder)
    return answer


# ---- what is written is read back ----------------------------------------------------------


def test_an_order_comes_back_exactly_as_it_was_published(store: Store) -> None:
    asked = intricate_order()

    store.write(batch(update(1, asked)))

    found = found_order(store)
    assert encode(found.order) == encode(asked)
    assert [encode(each) for each in found.history] == [encode(update(1, asked))]
    assert found.seq == 1


def test_an_unknown_order_is_no_order(store: Store) -> None:
    assert found_order(store) == r.FoundOrder(order=None)
    assert store.ask(r.FindOrder(order_id=OrderId("no id"))) == r.FoundOrder(order=None)


def test_the_history_of_an_order_has_its_updates_and_transactions_in_order(store: Store) -> None:
    state = order()
    store.write(batch(update(1, state), update(2, order(2)), fill(3, state), update(4, state)))

    found = found_order(store)

    assert numbers(found.history) == [1, 4]
    assert found.transactions == (fill(3, state),)


def test_items_come_back_equal_and_in_order_of_their_numbers(store: Store) -> None:
    state = order()
    items = (update(1, state), fill(2, state), update(3, state), fill(4, state))
    store.write(batch(*items))

    found = store.ask(r.FindItems(account=ACCOUNT, from_seq=1, to_seq=4, limit=100))

    assert found.items == items


def test_a_range_of_items_has_both_its_ends_and_at_most_the_limit(store: Store) -> None:
    state = order()
    store.write(
        batch(*(update(seq, state) if seq % 2 else fill(seq, state) for seq in range(1, 8)))
    )

    assert seqs(store, 2, 5) == [2, 3, 4, 5]
    assert seqs(store, 2, 99, limit=3) == [2, 3, 4]
    assert seqs(store, 8, 99) == []


def test_accounts_do_not_see_each_other(store: Store) -> None:
    store.write(batch(update(1, order()), update(1, order(2, account=OTHER))))

    assert seqs(store) == [1]
    assert transactions(store) == []
    found = store.ask(r.FindOrders(account=OTHER))
    assert [each.order_id for each in found.orders] == [order_id(2)]


def test_transactions_are_read_on_from_any_number(store: Store) -> None:
    state = order()
    store.write(batch(update(1, state), *(fill(seq, state) for seq in range(2, 7))))

    assert transactions(store, 1, limit=2) == [2, 3]
    assert transactions(store, 4, limit=2) == [4, 5]
    assert transactions(store, 6) == [6]
    assert transactions(store, 7) == []


def test_the_last_refusal_of_an_order_is_found(store: Store) -> None:
    first, last = refusal(1), refusal(1, at=NOW + 9, command_id="c9")
    store.write(batch(refusals=(last, first, refusal(2), refusal(3, order_id=""))))

    assert store.ask(r.FindRefusal(order_id=order_id(1))).refusal == last
    assert store.ask(r.FindRefusal(order_id=order_id(9))).refusal is None
    assert store.ask(r.FindRefusal(order_id="")).refusal is None


def test_alarms_are_listed_newest_first(store: Store) -> None:
    raised = [alarm(1), alarm(2, account=OTHER), alarm(3, order_id=order_id(1))]
    store.write(batch(alarms=tuple(raised)))

    assert store.ask(r.FindAlarms()).alarms == tuple(map(known, reversed(raised)))
    assert store.ask(r.FindAlarms(account=ACCOUNT, limit=1)).alarms == (known(raised[2]),)
    assert store.ask(r.FindAlarms(account="none")).alarms == ()


def known(raised: Alarm) -> KnownAlarm:
    return KnownAlarm.of(raised, alarm_id_of(raised))


def test_an_alarm_is_acknowledged_once_and_the_first_word_stands(store: Store) -> None:
    seen, other = alarm(1), alarm(2)
    store.write(batch(alarms=(seen, other)))
    first = r.NoteAcknowledged(alarm_id=alarm_id_of(seen), at=NOW + 9, by="ann", text="mended \0")

    (acknowledged,) = store.ask(first).alarms
    (again,) = store.ask(replace(first, at=NOW + 10, by="bob", text="")).alarms

    assert (acknowledged.acknowledged_at, acknowledged.acknowledged_by) == (NOW + 9, "ann")
    assert acknowledged.acknowledged_text.startswith("mended")
    assert again == acknowledged
    assert store.ask(r.FindAlarms()).alarms == (known(other), acknowledged)
    assert store.ask(r.FindAlarms(unacknowledged=True)).alarms == (known(other),)


def test_an_alarm_written_again_stays_acknowledged(store: Store) -> None:
    store.write(batch(alarms=(alarm(1),)))
    said = r.NoteAcknowledged(alarm_id=alarm_id_of(alarm(1)), at=NOW, by="ann", text="")
    store.ask(said)

    store.write(batch(upto=2, alarms=(alarm(1), alarm(2))))

    assert store.ask(r.FindAlarms(unacknowledged=True)).alarms == (known(alarm(2)),)


def test_alarms_are_found_by_their_ids_whatever_became_of_them(store: Store) -> None:
    store.write(batch(alarms=(alarm(1), alarm(2))))
    ids = [alarm_id_of(alarm(number)) for number in (1, 2, 3)]
    store.ask(r.NoteAcknowledged(alarm_id=ids[0], at=NOW, by="ann", text=""))

    found = store.ask(r.FindAlarms(unacknowledged=True, among=(ids[0], ids[2])))

    assert found.stored == {ids[0]}
    unknown = r.NoteAcknowledged(alarm_id=ids[2], at=NOW, by="ann", text="")
    assert store.ask(unknown).alarms == ()


# ---- lists of orders -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (r.FindOrders(), [5, 4, 3, 2, 1]),
        (r.FindOrders(account=ACCOUNT), [5, 4, 3, 1]),
        (r.FindOrders(symbol="ETH/USDT"), [3]),
        (r.FindOrders(owner="bot"), [4]),
        (r.FindOrders(statuses=(OrderStatus.FILLED, OrderStatus.CANCELED)), [5, 4]),
        (r.FindOrders(since=NOW + 2, until=NOW + 4), [3, 2]),
        (r.FindOrders(limit=2), [5, 4]),
        (r.FindOrders(after=(NOW + 3, order_id(3))), [2, 1]),
        (r.FindOrders(account=ACCOUNT, since=NOW + 3, limit=2), [5, 4]),
        (r.FindOrders(account="none"), []),
    ],
)
def test_orders_are_listed_by_filter_newest_first(
    store: Store, query: r.FindOrders, expected: list[int]
) -> None:
    states = (
        order(1),
        order(2, account=OTHER),
        order(3, symbol="ETH/USDT"),
        order(4, client_id="bot", status=OrderStatus.FILLED),
        order(5, status=OrderStatus.CANCELED),
    )
    store.write(batch(*(update(seq, state) for seq, state in enumerate(states, 1))))

    found = store.ask(query)

    assert [each.order_id for each in found.orders] == [order_id(number) for number in expected]


def test_pages_of_orders_made_at_the_same_time_hold_each_order_once(store: Store) -> None:
    store.write(batch(*(update(n, order(n, created_at=NOW)) for n in range(1, 8))))

    pages, after = [], None
    while True:
        page = store.ask(r.FindOrders(limit=3, after=after)).orders
        if not page:
            break
        pages.append([each.order_id for each in page])
        after = (page[-1].created_at, page[-1].order_id)

    assert [len(page) for page in pages] == [3, 3, 1]
    assert list(chain(*pages)) == [order_id(number) for number in range(7, 0, -1)]


def test_open_orders_are_those_not_closed_when_last_heard_of(store: Store) -> None:
    states = [order(n, status=status) for n, status in enumerate(OrderStatus, 1)]
    store.write(batch(*(update(seq, state) for seq, state in enumerate(states, 1))))

    found = store.ask(open_orders())

    still_open = [state for state in states if not state.is_closed]
    assert [each.order for each in found.orders] == still_open
    assert len(store.ask(r.FindOpenOrders(accounts=(ACCOUNT,), limit=2)).orders) == 2
    assert store.ask(r.FindOpenOrders(accounts=(AccountId("another"),))).orders == ()


def open_orders() -> r.FindOpenOrders:
    return r.FindOpenOrders(accounts=(ACCOUNT,))


# ---- idempotence ---------------------------------------------------------------------------


def test_a_batch_written_twice_changes_nothing_the_second_time(
    store: Store, alarms: list[Alarm]
) -> None:
    state = order()
    once = batch(
        update(1, state),
        fill(2, state),
        upto=2,
        touched=(order(2),),
        refusals=(refusal(),),
        alarms=(alarm(),),
    )
    store.write(once)
    before = everything(store)

    assert store.write(once) is None

    assert everything(store) == before
    assert alarms == []


def test_batches_that_overlap_add_up_to_what_they_cover(store: Store, alarms: list[Alarm]) -> None:
    state = order()
    items = [update(seq, state) if seq % 2 else fill(seq, state) for seq in range(1, 10)]

    store.write(batch(*items[:6], upto=6))
    store.write(batch(*items[3:], upto=9))
    store.write(batch(*items[1:4], upto=4))

    assert seqs(store) == list(range(1, 10))
    assert transactions(store) == [2, 4, 6, 8]
    assert found_order(store).seq == 9
    assert alarms == []


def test_what_was_missing_below_the_stored_position_is_still_taken_in(store: Store) -> None:
    state = order()
    store.write(batch(update(5, state), upto=5))

    store.write(batch(update(4, state), fill(3, state), upto=6))

    assert seqs(store) == [3, 4, 5]
    assert found_order(store).seq == 5


def test_an_older_update_does_not_undo_a_newer_one(store: Store) -> None:
    newer = order(status=OrderStatus.FILLED, cum_quantity=Decimal("1.5"))
    store.write(batch(update(7, newer), upto=7))

    store.write(batch(update(6, order()), upto=8))

    assert found_order(store).order == newer
    assert seqs(store) == [6, 7]


def test_of_several_updates_in_one_batch_the_last_one_is_the_state(store: Store) -> None:
    canceled = order(status=OrderStatus.CANCELED)

    store.write(batch(update(2, canceled), update(1, order())))

    assert found_order(store).order == canceled


def test_an_update_of_a_later_epoch_is_the_newer_one_whatever_its_number(store: Store) -> None:
    later = order(status=OrderStatus.CANCELED)
    store.write(batch(update(9, order(), epoch=1)))

    store.write(batch(update(3, later, epoch=2), upto=2))

    assert found_order(store).order == later
    assert position(store) == StreamPosition(account=ACCOUNT, epoch=2, seq=3)


def test_a_check_moves_the_times_of_an_order_and_never_back(store: Store) -> None:
    checked = order(checked_at=NOW + 50, seen_at=NOW + 50)
    store.write(batch(update(1, order())))

    store.write(batch(upto=2, touched=(checked, order(checked_at=NOW + 40))))
    assert found_order(store).order == checked

    store.write(batch(upto=3, touched=(order(checked_at=NOW + 45, seen_at=NOW + 45),)))
    assert found_order(store).order == checked
    assert found_order(store).seq == 1


def test_a_check_that_only_saw_the_order_counts_too(store: Store) -> None:
    seen = order(seen_at=NOW)
    store.write(batch(update(1, order())))

    store.write(batch(upto=2, touched=(seen,)))

    assert found_order(store).order == seen


def test_an_update_in_the_same_batch_as_a_check_is_not_undone_by_it(store: Store) -> None:
    closed = order(status=OrderStatus.CANCELED, checked_at=NOW + 50)

    store.write(batch(update(1, closed), touched=(order(checked_at=NOW + 50),)))

    assert found_order(store).order == closed


def test_a_checked_order_that_the_store_never_had_is_taken_in(store: Store) -> None:
    store.write(batch(touched=(order(),)))
    assert found_order(store).order == order()

    store.write(batch(update(1, order(reason="newer")), upto=2))

    assert found_order(store).order == order(reason="newer")


# ---- what must not be lost, and not be counted twice ---------------------------------------


def test_a_number_given_to_another_item_is_kept_aside_with_an_alarm(
    store: Store, alarms: list[Alarm]
) -> None:
    first, second = fill(1, order(), key="a"), fill(1, order(), key="b")
    store.write(batch(first))

    assert store.write(batch(second, update(2, order()), upto=2)) is None
    assert store.write(batch(second, upto=3)) is None

    assert store.rejected() == [encode(second)]
    assert [(each.kind, each.account) for each in alarms] == [("write_reused", ACCOUNT)]
    assert store.ask(r.FindAlarms()).alarms == tuple(map(known, alarms))
    assert seqs(store) == [1, 2]
    assert transactions(store) == [1]


def test_a_number_given_to_an_update_and_a_transaction_is_noticed(
    store: Store, alarms: list[Alarm]
) -> None:
    store.write(batch(update(1, order())))

    store.write(batch(fill(1, order()), upto=2))

    assert [each.kind for each in alarms] == ["write_reused"]
    assert transactions(store) == []


def test_a_number_given_twice_in_one_batch_is_noticed(store: Store, alarms: list[Alarm]) -> None:
    items = (update(1, order()), fill(2, order(), key="a"), fill(2, order(), key="b"))

    assert store.write(batch(*items, update(3, order()))) is None

    assert [each.kind for each in alarms] == ["write_reused"]
    assert store.rejected() == [encode(items[2])]
    assert seqs(store) == [1, 2, 3]


def test_a_trade_key_that_comes_again_is_replayed_but_not_counted(
    store: Store, alarms: list[Alarm]
) -> None:
    store.write(batch(update(1, order()), fill(2, order(), key="k")))

    store.write(batch(fill(3, order(), key="k"), fill(4, order(), key="k2"), upto=2))

    assert seqs(store) == [1, 2, 3, 4]
    assert transactions(store) == [2, 4]
    assert numbers(found_order(store).transactions) == [2, 4]
    assert [(each.kind, each.order_id) for each in alarms] == [
        ("transaction_repeated", order_id(1))
    ]


def test_a_trade_key_that_comes_twice_in_one_batch_is_counted_once(
    store: Store, alarms: list[Alarm]
) -> None:
    store.write(batch(fill(1, order(), key="k"), fill(2, order(), key="k")))

    assert transactions(store) == [1]
    assert len(alarms) == 1


def test_a_record_that_could_not_be_decoded_is_kept_as_it_is(
    store: Store, alarms: list[Alarm]
) -> None:
    store.write(batch(upto=1, unreadable=(b"\x00\xff what",)))
    store.write(batch(upto=2, unreadable=(b"\x00\xff what",)))

    assert store.rejected() == [b"\x00\xff what"]
    assert [each.kind for each in alarms] == ["write_unreadable"]


# ---- recalling orders ----------------------------------------------------------------------


def test_an_order_is_recalled_by_our_id_or_the_venues_with_its_trades(store: Store) -> None:
    state = order()
    store.write(batch(update(1, state), fill(2, state, key="k"), update(3, order(2))))
    digests = {"k": TradeDigest(Decimal("20000.1"), Decimal("0.10"), fee_known=True)}

    for query in (
        r.Recall(account=ACCOUNT, order_id=order_id(1)),
        r.Recall(account=ACCOUNT, symbol=state.symbol, venue_order_id="v1"),
        r.Recall(account=ACCOUNT, order_id=order_id(9), symbol=state.symbol, venue_order_id="v1"),
    ):
        (found,) = store.ask(query).orders
        assert found.order == state
        assert found.digests == digests


def test_what_is_not_known_is_not_recalled(store: Store) -> None:
    store.write(batch(update(1, order(venue_order_id=None))))

    for query in (
        r.Recall(account=OTHER, order_id=order_id(1)),
        r.Recall(account=ACCOUNT, order_id=OrderId("no id")),
        r.Recall(account=ACCOUNT, symbol=Symbol("BTC/USDT"), venue_order_id="v1"),
        r.Recall(account=ACCOUNT),
    ):
        assert store.ask(query).orders == ()


def test_orders_of_two_symbols_can_have_one_venue_id(store: Store) -> None:
    """Binance numbers each symbol's orders by themselves."""
    other = order(2, symbol=Symbol("ETH/USDT"), venue_order_id="v1")
    store.write(batch(update(1, order()), update(2, other)))

    query = r.Recall(account=ACCOUNT, symbol=Symbol("ETH/USDT"), venue_order_id="v1")
    assert [found.order for found in store.ask(query).orders] == [other]


def test_a_corrected_trade_comes_back_with_the_figures_of_its_correction_case_31(
    store: Store,
) -> None:
    state = order(1)
    figures = {"quantity": Decimal("0.3"), "price": Decimal(3)}
    kind, key = TransactionKind.CORRECTION, "k|amended|0|0.3|3"
    store.write(batch(update(1, state), fill(2, state, key="k", trade_id="t")))
    correction = fill(3, state, key=key, trade_id="t", kind=kind, fee=None, **figures)
    store.write(batch(correction, upto=2))

    (found,) = store.ask(open_orders()).orders

    assert found.digests["k"] == TradeDigest(Decimal(3), Decimal("0.3"), fee_known=True)


def test_open_orders_come_with_what_must_be_remembered_of_their_trades(store: Store) -> None:
    state, closed = order(1), order(2, status=OrderStatus.CANCELED)
    late_fee = fill(4, state, key=fee_key("k"), kind=TransactionKind.FEE)
    bust = fill(5, state, key="k|amended|7", kind=TransactionKind.BUST, fee=None)
    store.write(
        batch(
            update(1, state),
            update(2, closed),
            fill(3, state, key="k", fee=None),
            late_fee,
            bust,
            fill(6, state, key="n", fee=None),
            fill(7, closed),
        )
    )

    (found,) = store.ask(open_orders()).orders

    figures = Decimal("20000.1"), Decimal("0.1")
    assert found.digests == {
        "k": TradeDigest(*figures, fee_known=True),
        "k|amended|7": TradeDigest(*figures, fee_known=False),
        "n": TradeDigest(*figures, fee_known=False),
    }


# ---- positions and cursors -----------------------------------------------------------------


def position(store: Store) -> StreamPosition:
    (only,) = store.ask(r.FindPositions(journal=JOURNAL)).streams
    assert isinstance(only, StreamPosition)
    return only


def test_positions_tell_how_far_each_stream_and_the_journal_were_written(store: Store) -> None:
    items = (update(1, order()), fill(2, order()), update(5, order(2, account=OTHER)))
    store.write(batch(*items, upto=12, mark=b"mark"))

    found = store.ask(r.FindPositions(journal=JOURNAL))

    assert found == r.FoundPositions(
        upto=12,
        mark=b"mark",
        streams=(
            StreamPosition(account=ACCOUNT, epoch=1, seq=2),
            StreamPosition(account=OTHER, epoch=1, seq=5),
        ),
    )


def test_another_journal_begins_at_nothing_and_the_streams_are_known(store: Store) -> None:
    store.write(batch(update(1, order()), upto=12))

    found = store.ask(r.FindPositions(journal="another"))

    assert (found.upto, found.mark) == (0, b"")
    assert len(found.streams) == 1


def test_positions_never_move_back(store: Store) -> None:
    store.write(batch(update(5, order()), upto=12, mark=b"new"))

    store.write(batch(update(4, order()), upto=11, mark=b"old"))

    found = store.ask(r.FindPositions(journal=JOURNAL))
    assert (found.upto, found.mark) == (12, b"new")
    assert position(store).seq == 5


def test_a_stream_comes_as_far_as_it_is_said_to_without_an_item(store: Store) -> None:
    store.write(batch(update(5, order()), upto=1))
    jumped = StreamPosition(account=ACCOUNT, epoch=2, seq=1_000_005)
    older = StreamPosition(account=ACCOUNT, epoch=1, seq=7)

    store.write(batch(upto=2, streams=(older, jumped)))
    assert position(store) == jumped
    store.write(batch(upto=3, streams=(older,)))
    assert position(store) == jumped

    store.write(batch(update(1_000_006, order(2), epoch=2), upto=4))
    assert position(store).seq == 1_000_006
    found = store.ask(r.FindItems(account=ACCOUNT, from_seq=1, to_seq=2_000_000, limit=9))
    assert [item.seq for item in found.items] == [5, 1_000_006]


def test_a_batch_of_nothing_moves_the_journals_position(store: Store) -> None:
    assert store.write(batch(upto=3)) is None

    assert store.ask(r.FindPositions(journal=JOURNAL)).upto == 3


def test_a_consumers_cursor_moves_on_and_never_back(store: Store) -> None:
    def cursor(consumer: str = "books") -> int:
        return int(store.ask(r.FindCursor(account=ACCOUNT, consumer=consumer)).seq)

    def move(seq: int) -> int:
        return int(store.ask(r.MoveCursor(account=ACCOUNT, consumer="books", seq=seq)).seq)

    assert cursor() == 0
    assert move(5) == 5
    assert move(3) == 5
    assert move(8) == 8
    assert cursor() == 8
    assert cursor("others") == 0
    assert store.ask(r.FindCursor(account=OTHER, consumer="books")).seq == 0


# ---- helpers -------------------------------------------------------------------------------


def everything(store: Store) -> list[bytes]:
    queries = (
        r.FindOrders(),
        r.FindItems(account=ACCOUNT, from_seq=1, to_seq=99, limit=99),
        r.FindTransactions(account=ACCOUNT, from_seq=1, limit=99),
        r.FindRefusal(order_id=order_id(1)),
        r.FindAlarms(),
        r.FindPositions(journal=JOURNAL),
        open_orders(),
    )
    return [encode(store.ask(query)) for query in queries]
