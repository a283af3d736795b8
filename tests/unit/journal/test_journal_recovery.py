"""What a journal finds of itself after a death, a loss of power, and damage."""

import dataclasses
import random

import pytest

from gateway.journal import (
    Journal,
    JournalFailed,
    JournalMixed,
    JournalOptions,
    JournalReader,
    JournalTooNew,
    MemoryFiles,
    ProcessDied,
    Recovery,
    iter_segments,
)
from gateway.journal.format import FRAME_BYTES, HEADER_BYTES, Header, encode_header

OPTIONS = JournalOptions(boot_id="boot-1", reserve_bytes=0)
DISK = dataclasses.replace(OPTIONS, durability="disk")
NEXT_BOOT = dataclasses.replace(OPTIONS, boot_id="boot-2")


def opened(files: MemoryFiles, options: JournalOptions = OPTIONS) -> tuple[Journal, Recovery]:
    return Journal.open(files, options, empty_checkpoint=b"empty")


def reopened(files: MemoryFiles, options: JournalOptions = OPTIONS) -> Recovery:
    files.crash()
    return opened(files, options)[1]


def written(files: MemoryFiles, count: int = 5, options: JournalOptions = OPTIONS) -> Journal:
    journal, _ = opened(files, options)
    for number in range(1, count + 1):
        journal.append(payload(number))
    return journal


def payload(number: int) -> bytes:
    return f"record {number}".encode()


def segments(files: MemoryFiles) -> list[str]:
    return [name for name in files.names() if name.endswith(".segment")]


def offset_of(files: MemoryFiles, number: int) -> tuple[str, int]:
    """Where the data record with this number lies."""
    return next(
        (entry.segment, entry.offset)
        for entry in iter_segments(files)
        if entry.ok and entry.payload == payload(number)
    )


def test_a_checkpoint_that_its_owner_does_not_take_is_gone_behind() -> None:
    files = MemoryFiles()
    journal = written(files, 2)
    journal.roll(b"good")
    journal.append(payload(3))
    journal.roll(b"strange")
    journal.append(payload(4))
    files.crash()
    journal, recovery = Journal.open(
        files, OPTIONS, empty_checkpoint=b"empty", takes=lambda payload: payload != b"strange"
    )

    assert recovery.checkpoint == b"good"
    assert recovery.records == [(3, payload(3)), (4, payload(4))]
    assert recovery.is_continuous
    (damaged,) = recovery.damaged
    assert damaged.kept in files.names()
    assert journal.should_roll


def test_without_a_checkpoint_that_its_owner_takes_the_records_left_are_not_proven_to_be_all() -> (
    None
):
    files = MemoryFiles()
    written(files, 3)
    files.crash()
    _, recovery = Journal.open(
        files, OPTIONS, empty_checkpoint=b"empty", takes=lambda _payload: False
    )

    assert recovery.checkpoint is None
    assert [number for number, _ in recovery.records] == [1, 2, 3]
    assert not recovery.is_continuous


def damage(files: MemoryFiles, number: int) -> None:
    segment, offset = offset_of(files, number)
    files.flip(segment, offset + FRAME_BYTES + 2)


# Case 69: a torn tail is found by its checksum, kept aside, and the process still boots.


@pytest.mark.parametrize("kept", [1, 4, 20, FRAME_BYTES, FRAME_BYTES + 3])
def test_case_69_a_torn_tail_is_cut_kept_aside_and_reported(kept: int) -> None:
    files = MemoryFiles()
    journal = written(files)
    files.die_in_next_write(kept)
    with pytest.raises(ProcessDied):
        journal.append(b"never finished")

    recovery = reopened(files)

    assert [number for number, _ in recovery.records] == [1, 2, 3, 4, 5]
    assert recovery.torn_bytes == kept
    assert recovery.torn_kept is not None
    assert files.size(recovery.torn_kept) == kept
    assert recovery.may_have_lost_tail
    assert not recovery.is_continuous
    assert not recovery.power_loss_possible
    assert recovery.damaged == ()


def test_after_a_torn_tail_the_same_number_is_written_again_and_read_back() -> None:
    files = MemoryFiles()
    written(files)
    files.cut(segments(files)[-1], 3)

    journal, recovery = reopen_for_writing(files)

    assert recovery.next_number == 5
    assert journal.append(b"five again") == 5
    again = reopened(files)
    assert again.records[-1] == (5, b"five again")
    assert (again.torn_bytes, again.damaged) == (0, ())


def reopen_for_writing(files: MemoryFiles) -> tuple[Journal, Recovery]:
    files.crash()
    return opened(files)


def test_a_tail_of_zeros_is_cut() -> None:
    files = MemoryFiles()
    journal = written(files)
    zeros = 2 * FRAME_BYTES
    files.die_in_next_write(zeros)
    with pytest.raises(ProcessDied):
        journal.append(b"x" * 100)
    name = segments(files)[-1]
    files.overwrite(name, files.size(name) - zeros, bytes(zeros))

    recovery = reopened(files)

    assert (len(recovery.records), recovery.torn_bytes) == (5, zeros)


# Damage with good records after it.


@pytest.mark.parametrize("at", [0, 5, 9, 13, FRAME_BYTES + 1])
def test_a_damaged_record_is_passed_over_and_its_number_reported(at: int) -> None:
    files = MemoryFiles()
    written(files)
    segment, offset = offset_of(files, 3)
    files.flip(segment, offset + at, 0x80)

    recovery = reopened(files)

    assert [number for number, _ in recovery.records] == [1, 2, 4, 5]
    assert recovery.missing == ((3, 3),)
    assert recovery.next_number == 6
    (found,) = recovery.damaged
    assert (found.segment, found.offset) == (segment, offset)
    assert found.kept is not None
    assert not recovery.is_continuous
    assert recovery.torn_bytes == 0


def test_two_damaged_places_are_two_damages_and_one_copy() -> None:
    files = MemoryFiles()
    written(files, count=9)
    for number in (2, 6, 7):
        damage(files, number)

    recovery = reopened(files)

    assert recovery.missing == ((2, 2), (6, 7))
    assert len(recovery.damaged) == 2
    assert len({found.kept for found in recovery.damaged}) == 1


def test_after_damage_a_roll_is_wanted_and_then_the_damage_is_behind() -> None:
    files = MemoryFiles()
    written(files)
    damage(files, 2)
    journal, _ = reopen_for_writing(files)
    assert journal.should_roll

    journal.roll(b"repaired")

    assert not journal.should_roll
    assert reopened(files).is_continuous


def test_writing_goes_on_after_damage_without_a_roll() -> None:
    files = MemoryFiles()
    written(files)
    damage(files, 2)
    journal, _ = reopen_for_writing(files)
    assert journal.append(b"six") == 6

    assert [number for number, _ in reopened(files).records] == [1, 3, 4, 5, 6]


def test_a_record_inside_the_payload_of_a_damaged_one_is_not_taken_for_a_record() -> None:
    # given a client that knows the format, but not the journal's identity
    foreign = MemoryFiles()
    written(foreign)
    name = segments(foreign)[0]
    smuggled = foreign.read(name, 0, foreign.size(name))
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(smuggled)
    journal.append(payload(2))
    # when the frame around its records is damaged
    first = next(entry for entry in iter_segments(files) if entry.payload == smuggled)
    files.flip(first.segment, first.offset)
    # then none of them is read
    recovery = reopened(files)
    assert recovery.records == [(2, payload(2))]
    assert recovery.missing == ((1, 1),)


def test_an_old_record_inside_the_payload_of_a_damaged_one_is_not_read_again() -> None:
    files = MemoryFiles()
    journal, _ = opened(files)
    journal.append(payload(1))
    segment, start = offset_of(files, 1)
    outer = journal.size_bytes
    journal.append(files.read(segment, start, outer - start))
    journal.append(payload(3))
    files.flip(segment, outer)

    recovery = reopened(files)

    assert recovery.records == [(1, payload(1)), (3, payload(3))]
    assert recovery.missing == ((2, 2),)


def test_a_damaged_header_costs_nothing() -> None:
    files = MemoryFiles()
    written(files)
    files.flip(segments(files)[0], 20)

    recovery = reopened(files)

    assert recovery.checkpoint == b"empty"
    assert len(recovery.records) == 5
    assert (recovery.damaged[0].offset, recovery.damaged[0].end) == (0, HEADER_BYTES)


def test_a_damaged_identity_file_is_mended_from_the_headers() -> None:
    files = MemoryFiles()
    identity = written(files).identity
    files.flip("identity", 0)

    assert reopened(files).identity == identity

    files.flip(segments(files)[0], 20)
    assert reopened(files).identity == identity


def two_segments(files: MemoryFiles) -> Journal:
    """Records 1-3 after `empty`, 4-5 after `after three`."""
    journal = written(files, 3)
    journal.roll(b"after three")
    journal.append(payload(4))
    journal.append(payload(5))
    return journal


def test_a_damaged_checkpoint_is_replaced_by_the_one_before_and_its_records() -> None:
    files = MemoryFiles()
    two_segments(files)
    files.flip(segments(files)[-1], HEADER_BYTES + FRAME_BYTES)

    recovery = reopened(files)

    assert recovery.checkpoint == b"empty"
    assert recovery.records == [(number, payload(number)) for number in range(1, 6)]
    assert recovery.missing == ()
    assert len(recovery.damaged) == 1
    assert recovery.is_continuous


def test_without_any_good_checkpoint_the_records_are_still_there() -> None:
    files = MemoryFiles()
    two_segments(files)
    for name in segments(files):
        files.flip(name, HEADER_BYTES + FRAME_BYTES)

    recovery = reopened(files)

    assert recovery.checkpoint is None
    assert [number for number, _ in recovery.records] == [1, 2, 3, 4, 5]
    assert not recovery.created
    assert not recovery.is_continuous


def test_a_newest_segment_of_garbage_leaves_the_journal_and_numbers_go_on() -> None:
    files = MemoryFiles()
    two_segments(files)
    name = segments(files)[-1]
    files.overwrite(name, 0, bytes(files.size(name)))

    journal, recovery = reopen_for_writing(files)

    assert recovery.checkpoint == b"empty"
    assert [number for number, _ in recovery.records] == [1, 2, 3]
    assert recovery.damaged[0].kept in files.names()
    assert recovery.may_have_lost_tail
    assert journal.append(b"next") == recovery.next_number == 4
    assert reopened(files).records[-1] == (4, b"next")


def test_numbers_lost_with_a_garbled_checkpoint_chain_are_reported_and_not_used_again() -> None:
    files = MemoryFiles()
    two_segments(files)
    old, new = segments(files)
    files.cut(old, 40)  # the end of the older segment
    files.overwrite(new, 0, bytes(files.size(new)))

    journal, recovery = reopen_for_writing(files)
    journal.append(b"four")

    assert recovery.missing == ((2, 3),)
    assert recovery.next_number == 4
    again = reopened(files)
    assert (again.records[-1], again.missing) == ((4, b"four"), ((2, 3),))
    assert JournalReader(files).read_from(1) == again.records


def test_a_journal_of_garbage_begins_anew_behind_its_numbers_and_says_so() -> None:
    files = MemoryFiles()
    two_segments(files)
    for name in files.names():
        files.overwrite(name, 0, bytes(files.size(name)))

    recovery = reopened(files)

    assert recovery.created
    assert recovery.may_have_lost_tail
    assert len(recovery.damaged) == 2
    assert recovery.next_number == 4
    assert recovery.checkpoint == b"empty"


def test_a_lost_folder_is_a_new_journal_with_another_identity() -> None:
    files = MemoryFiles()
    identity = written(files).identity
    files.lose()

    recovery = reopened(files)

    assert recovery.created
    assert not recovery.is_continuous
    assert recovery.identity != identity


def test_what_is_kept_aside_is_bounded_and_the_oldest_goes_first() -> None:
    files = MemoryFiles()
    written(files)
    options = dataclasses.replace(OPTIONS, quarantine_bytes=25)
    kept = []
    for _ in range(5):
        journal, recovery = opened_after_torn_write(files, options)
        kept.append(recovery.torn_kept)
        journal.roll(b"checkpoint")

    aside = [name for name in files.names() if name.endswith(".torn")]
    assert aside == kept[-2:]


def opened_after_torn_write(
    files: MemoryFiles, options: JournalOptions
) -> tuple[Journal, Recovery]:
    files.crash()
    journal, _ = opened(files, options)
    files.die_in_next_write(10)
    with pytest.raises(ProcessDied):
        journal.append(b"x" * 50)
    files.crash()
    return opened(files, options)


def test_damage_on_a_full_disk_still_boots_without_a_copy() -> None:
    files = MemoryFiles()
    written(files)
    damage(files, 3)
    files.capacity = 0

    recovery = reopened(files)

    assert recovery.missing == ((3, 3),)
    assert recovery.damaged[0].kept is None


# Power loss.


def test_a_changed_boot_id_without_a_clean_close_may_have_lost_the_tail() -> None:
    files = MemoryFiles()
    written(files)

    recovery = reopened(files, NEXT_BOOT)

    assert recovery.power_loss_possible
    assert recovery.may_have_lost_tail
    assert not reopened(files, NEXT_BOOT).may_have_lost_tail


def test_a_clean_close_or_synced_appends_lose_nothing_with_the_power() -> None:
    closed, synced = MemoryFiles(), MemoryFiles()
    written(closed).close()
    written(synced, options=DISK).roll(b"after five")

    for files in (closed, synced):
        files.lose_power()
        recovery = opened(files, NEXT_BOOT)[1]
        assert not recovery.may_have_lost_tail
        assert recovery.is_continuous
        assert recovery.next_number == 6


def test_an_unknown_boot_id_is_held_for_another_one() -> None:
    files = MemoryFiles()
    unknown = dataclasses.replace(OPTIONS, boot_id="")
    written(files, options=unknown)

    assert reopened(files, unknown).power_loss_possible


def test_power_loss_just_after_a_restart_is_not_taken_for_the_clean_close_before_it() -> None:
    files = MemoryFiles()
    written(files).close()
    journal, _ = opened(files)
    journal.append(b"six")

    files.lose_power()
    recovery = opened(files, NEXT_BOOT)[1]

    assert recovery.may_have_lost_tail
    assert not recovery.closed_cleanly


def test_a_sync_reaches_back_to_the_segments_before() -> None:
    files = MemoryFiles()
    journal = two_segments(files)
    journal.sync()

    files.lose_power()

    assert JournalReader(files).read_from(1) == [(n, payload(n)) for n in range(1, 6)]


@pytest.mark.parametrize("seed", range(200))
def test_after_power_loss_a_prefix_is_left_with_everything_that_was_synced(seed: int) -> None:
    chance = random.Random(seed)
    files = MemoryFiles()
    journal, _ = opened(files)
    synced = 0
    for number in range(1, 40):
        journal.append(payload(number))
        if chance.random() < 0.1:
            journal.roll(f"{number}".encode())
        if chance.random() < 0.1:
            journal.sync()
            synced = number
        if chance.random() < 0.1:
            journal.drop_before(chance.randint(1, number))

    files.lose_power(chance)
    recovery = opened(files, NEXT_BOOT)[1]

    assert recovery.checkpoint is not None
    start = 0 if recovery.checkpoint == b"empty" else int(recovery.checkpoint)
    numbers = [number for number, _ in recovery.records]
    assert numbers == list(range(start + 1, start + 1 + len(numbers)))
    assert all(content == payload(number) for number, content in recovery.records)
    assert start + len(numbers) >= synced
    assert recovery.may_have_lost_tail


# Operators' mistakes.


def test_segments_of_another_journal_are_refused() -> None:
    files, other = MemoryFiles(), MemoryFiles()
    written(files)
    two_segments(other)
    foreign = segments(other)[-1]
    files.create(foreign, other.read(foreign, 0, 1 << 20), sync=True)

    for _ in range(2):
        with pytest.raises(JournalMixed):
            reopened(files)


def test_a_newer_format_is_refused_with_a_clear_error() -> None:
    files = MemoryFiles()
    journal = written(files)
    newer = encode_header(Header(identity=journal.identity, serial=1, first=1, version=2))
    files.overwrite(segments(files)[0], 0, newer)

    with pytest.raises(JournalTooNew, match="has format version 2, this program reads up to 1"):
        reopened(files)
    with pytest.raises(JournalTooNew):
        JournalReader(files).read_from(1)


def test_a_damaged_version_is_damage_and_not_a_newer_format() -> None:
    files = MemoryFiles()
    written(files)
    files.flip(segments(files)[0], 8, 2)

    assert len(reopened(files).records) == 5


# ---- what an owner has not dealt with yet ------------------------------------------------------


def test_a_doubt_lasts_until_the_owner_says_that_it_is_settled() -> None:
    files = MemoryFiles()
    written(files).settle()
    files.cut(segments(files)[-1], 3)

    found = [reopened(files) for _ in range(3)]
    journal, still = reopen_for_writing(files)
    journal.settle()
    settled = reopened(files)

    assert [recovery.is_continuous for recovery in found] == [False, True, True]
    assert [recovery.is_proven for recovery in (*found, still)] == [False] * 4
    assert settled.is_proven


def test_a_new_journal_is_unsettled_too() -> None:
    files = MemoryFiles()
    written(files).close()

    assert reopened(files).is_continuous
    assert not reopened(files).is_proven


def test_a_death_while_it_is_repaired_leaves_a_doubt() -> None:
    files = MemoryFiles()
    written(files).settle()
    damage(files, 2)
    files.sync_fails = True
    files.crash()
    with pytest.raises(JournalFailed):
        opened(files)
    files.sync_fails = False

    assert reopened(files).unsettled


def test_an_ordinary_death_leaves_no_doubt() -> None:
    files = MemoryFiles()
    written(files).settle()

    assert reopened(files).is_proven
    assert reopened(files).is_proven
    assert "unsettled" not in files.names()


def test_a_death_while_it_is_only_looked_at_leaves_no_doubt() -> None:
    """Found by killing real processes: each kill within the first moments of a start began a new
    outbox, with an alarm about a lost journal."""
    files = MemoryFiles()
    written(files).settle()
    files.crash()

    def die(_checkpoint: bytes) -> bool:
        raise ProcessDied

    with pytest.raises(ProcessDied):
        Journal.open(files, OPTIONS, empty_checkpoint=b"empty", takes=die)

    assert reopened(files).is_proven


@pytest.mark.parametrize("harm", ["torn", "unreadable", "new machine"])
def test_a_death_right_after_a_doubt_was_found_leaves_it_noted(harm: str) -> None:
    files = MemoryFiles()
    journal = written(files)
    journal.settle()
    if harm == "unreadable":
        journal.roll(b"sum")
        files.cut(segments(files)[-1], 1)
    elif harm == "torn":
        files.cut(segments(files)[-1], files.size(segments(files)[-1]) - 1)
    files.crash()
    opened(files, NEXT_BOOT if harm == "new machine" else OPTIONS)
    again = reopened(files, NEXT_BOOT if harm == "new machine" else OPTIONS)

    assert again.unsettled
    assert not again.is_proven


def test_a_disk_without_any_room_opens_without_a_note() -> None:
    files = MemoryFiles()
    written(files).settle()
    files.capacity = 0

    assert reopened(files).is_proven
