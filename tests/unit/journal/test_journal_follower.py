"""Following a journal with its checkpoints, while it is written, rolled, dropped and replaced."""

from gateway.journal import Journal, JournalOptions, MemoryFiles
from gateway.journal.follower import JournalFollower
from gateway.ports import LogEntry

OPTIONS = JournalOptions(boot_id="boot-1", reserve_bytes=0, spare_segments=0)


def opened(files: MemoryFiles) -> Journal:
    return Journal.open(files, OPTIONS, empty_checkpoint=b"empty")[0]


def seen(entries: list[LogEntry]) -> list[tuple[int, bytes]]:
    """Checkpoints have the number of the record that follows."""
    return [(entry.number, entry.payload) for entry in entries]


def read_all(follower: JournalFollower) -> list[LogEntry]:
    entries = []
    while more := follower.read(3):
        entries += more
    return entries


def test_a_follower_sees_the_first_checkpoint_then_records_and_checkpoints_in_order() -> None:
    files = MemoryFiles()
    follower = JournalFollower(files)
    assert follower.read(10) == []

    journal = opened(files)
    journal.append(b"one")
    journal.roll(b"after one")
    journal.append(b"two")

    entries = read_all(follower)
    assert seen(entries) == [(1, b"empty"), (1, b"one"), (2, b"after one"), (2, b"two")]
    assert [entry.is_checkpoint for entry in entries] == [True, False, True, False]
    assert {entry.identity for entry in entries} == {journal.identity}

    journal.append(b"three")
    assert seen(follower.read(10)) == [(3, b"three")]
    assert follower.read(10) == []


def test_a_follower_left_behind_by_dropped_segments_goes_on_with_a_checkpoint() -> None:
    files = MemoryFiles()
    journal = opened(files)
    follower = JournalFollower(files)
    journal.append(b"one")
    assert len(read_all(follower)) == 2

    journal.append(b"two")
    journal.roll(b"after two")
    journal.append(b"three")
    journal.roll(b"after three")
    journal.drop_before(journal.next_number)

    entries = read_all(follower)
    assert (entries[0].is_checkpoint, entries[0].payload) == (True, b"after three")
    assert entries[0].number == 4


def test_a_follower_takes_up_the_journal_that_replaced_the_one_it_followed() -> None:
    files = MemoryFiles()
    old = opened(files)
    old.append(b"old")
    follower = JournalFollower(files)
    read_all(follower)

    files.crash()
    files.lose()
    new = opened(files)
    new.append(b"new")

    entries = read_all(follower)
    assert seen(entries) == [(1, b"empty"), (1, b"new")]
    assert {entry.identity for entry in entries} == {new.identity}


def test_a_follower_begins_again_when_its_segment_was_cut_under_it() -> None:
    files = MemoryFiles()
    journal = opened(files)
    journal.append(b"one")
    journal.append(b"two")
    follower = JournalFollower(files)
    read_all(follower)

    files.crash()
    files.cut(files.names()[0], 5)
    name = next(name for name in files.names() if name.endswith(".segment"))
    files.cut(name, 5)

    assert seen(follower.read(10)) == [(1, b"empty"), (1, b"one")]


def test_a_damaged_record_is_passed_over_and_leaves_a_hole() -> None:
    files = MemoryFiles()
    journal = opened(files)
    for word in (b"one", b"two", b"three"):
        journal.append(word)
    name = next(name for name in files.names() if name.endswith(".segment"))
    content = files.read(name, 0, files.size(name))
    files.flip(name, content.index(b"two"))

    numbers = [e.number for e in read_all(JournalFollower(files)) if not e.is_checkpoint]

    assert numbers == [1, 3]
