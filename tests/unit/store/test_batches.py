"""Taking batches apart."""

from store_kit import alarm, batch, fill, order, refusal, update

from gateway.store.batches import newest_positions, newest_touched, newest_updates, parts_of, split


def test_halves_hold_every_part_once_and_keep_the_position() -> None:
    whole = batch(
        update(1, order()),
        fill(2, order()),
        upto=9,
        mark=b"m",
        touched=(order(3),),
        refusals=(refusal(),),
        alarms=(alarm(),),
        unreadable=(b"?",),
    )

    halves = split(whole)

    assert halves is not None
    assert [part for half in halves for part in parts_of(half)] == parts_of(whole)
    assert [len(parts_of(half)) for half in halves] == [3, 3]
    assert {(half.journal, half.upto, half.mark) for half in halves} == {(whole.journal, 9, b"m")}


def test_what_is_one_thing_or_nothing_has_no_halves() -> None:
    assert split(batch(update(1, order()))) is None
    assert split(batch()) is None


def test_the_last_of_each_is_found_in_any_order() -> None:
    items = [update(3, order(1)), update(1, order(1)), update(2, order(2)), fill(9, order(1))]

    assert {each.seq for each in newest_updates(items)} == {3, 2}
    assert [each.seq for each in newest_positions(items)] == [9]
    late, early = order(checked_at=9), order(checked_at=5)
    assert newest_touched([late, early]) == [late]
