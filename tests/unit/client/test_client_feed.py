"""The accountants' transactions, page by page, behind a consumer's cursor."""

from client_kit import MAIN, order, transaction, update

from gateway.client.feed import TransactionFeed
from gateway.client.updates import Restated
from gateway.domain import messages as m


def page(*seqs: int, cursor: int = 0, more: bool = False) -> m.TransactionsReply:
    items = tuple(transaction(seq) for seq in seqs)
    return m.TransactionsReply(request_id="r", items=items, cursor=cursor, more=more)


def drain(feed: TransactionFeed) -> list[int]:
    taken = []
    while (item := feed.take()) is not None:
        taken.append(item.seq)
    return taken


def test_it_begins_behind_the_cursor_and_goes_on_by_number_case_73() -> None:
    feed = TransactionFeed("main", "books")
    assert feed.page().fields["consumer"] == "books"
    feed.on_page(page(8, 9, cursor=7, more=True))
    assert drain(feed) == [8, 9]
    assert feed.wants_page
    assert feed.page().fields["from_seq"] == 10
    feed.on_page(page(12))

    assert drain(feed) == [12]
    assert not feed.wants_page


def test_what_comes_twice_is_handed_out_once() -> None:
    feed = TransactionFeed("main", "books")
    feed.on_page(page(1, 2, 2, 3))
    feed.on_page(page(3, 4))

    assert drain(feed) == [1, 2, 3, 4]


def test_after_a_restart_what_was_not_acknowledged_comes_again() -> None:
    first = TransactionFeed("main", "books")
    first.on_page(page(1, 2, 3))
    assert drain(first) == [1, 2, 3]
    again = TransactionFeed("main", "books")
    again.on_page(page(2, 3, cursor=1))

    assert drain(again) == [2, 3]


def test_a_consumer_that_has_nothing_yet_asks_by_its_name_again() -> None:
    feed = TransactionFeed("main", "books")
    feed.on_page(page())
    feed.nudge()

    assert feed.wants_page
    assert feed.page().fields["consumer"] == "books"


def test_what_is_heard_while_a_page_is_under_way_is_news_after_it() -> None:
    feed = TransactionFeed("main", "books")
    feed.page()
    feed.hear(transaction(5))
    feed.on_page(page())

    assert feed.has_news
    feed.page()
    assert not feed.has_news


def test_a_stream_that_begins_anew_is_news_and_other_accounts_are_not() -> None:
    feed = TransactionFeed("main", "books")
    feed.hear(transaction(5, account="other"))
    feed.hear(update(6, order()))
    assert not feed.has_news
    feed.hear(Restated(MAIN, 2, 9, ()))

    assert feed.has_news


def test_what_was_heard_and_is_not_in_the_store_yet_is_asked_for_again_soon() -> None:
    feed = TransactionFeed("main", "books")
    feed.on_page(page())
    patient = feed.look_again_s
    feed.hear(transaction(5))
    feed.on_page(page())

    soon = feed.look_again_s
    feed.on_page(page(5))

    assert soon < patient
    assert drain(feed) == [5]
    assert feed.look_again_s == patient


def test_each_page_is_asked_for_as_the_consumer_who_gets_only_what_it_can_acknowledge() -> None:
    feed = TransactionFeed("main", "books")
    feed.on_page(page(1, more=True))
    drain(feed)

    assert feed.page().fields["consumer"] == "books"
