"""What every SegmentFiles must do: the real folder and the one in memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.journal import DirectoryFiles, JournalLocked, MemoryFiles, SegmentFiles

Make = Callable[[], SegmentFiles]


@pytest.fixture(params=["directory", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Each call gives another process's view of the same folder."""
    if request.param == "memory":
        files = MemoryFiles()
        return lambda: files
    return lambda: DirectoryFiles(tmp_path / "journal")


@pytest.fixture
def files(make: Make) -> SegmentFiles:
    files = make()
    files.lock()
    return files


def test_a_created_file_is_whole_and_listed(files: SegmentFiles) -> None:
    files.create("b", b"second", sync=True)
    files.create("a", b"first", sync=False)

    assert files.names() == ["a", "b"]
    assert files.size("b") == 6
    assert files.read("b", 0, 100) == b"second"


def test_creating_again_replaces_the_whole_content(files: SegmentFiles) -> None:
    files.create("a", b"a long content", sync=True)
    files.create("a", b"short", sync=True)

    assert files.read("a", 0, 100) == b"short"


def test_reading_takes_any_part_and_ends_with_the_file(files: SegmentFiles) -> None:
    files.create("a", b"0123456789", sync=False)

    assert files.read("a", 3, 4) == b"3456"
    assert files.read("a", 8, 4) == b"89"
    assert files.read("a", 10, 4) == b""


def test_an_append_is_seen_at_once_by_another_reader(make: Make, files: SegmentFiles) -> None:
    files.create("a", b"start ", sync=False)
    file = files.append_to("a")

    assert file.write(b"more") == 4
    file.sync()

    assert make().read("a", 0, 100) == b"start more"
    file.close()


def test_after_a_truncation_appending_goes_on_at_the_new_end(files: SegmentFiles) -> None:
    files.create("a", b"good", sync=False)
    file = files.append_to("a")
    file.write(b"half a rec")

    file.truncate(4)
    file.write(b" again")

    assert files.read("a", 0, 100) == b"good again"
    file.close()


def test_a_file_knows_when_it_is_no_longer_in_its_folder(files: SegmentFiles) -> None:
    files.create("a", b"", sync=False)
    file = files.append_to("a")
    assert file.in_place()

    files.remove("a")
    assert not file.in_place()

    files.create("a", b"another", sync=False)
    assert not file.in_place()
    file.close()


def test_renaming_moves_the_content(files: SegmentFiles) -> None:
    files.create("a", b"content", sync=False)

    files.rename("a", "b")

    assert files.names() == ["b"]
    assert files.read("b", 0, 100) == b"content"


def test_a_preallocated_file_has_its_size(files: SegmentFiles) -> None:
    files.preallocate("reserve", 4096)

    assert files.size("reserve") == 4096


def test_syncing_by_name_is_accepted(files: SegmentFiles) -> None:
    files.create("a", b"x", sync=False)

    files.sync("a")

    assert files.read("a", 0, 1) == b"x"


@pytest.mark.parametrize(
    "use",
    [
        lambda files: files.size("a"),
        lambda files: files.read("a", 0, 1),
        lambda files: files.append_to("a"),
        lambda files: files.remove("a"),
        lambda files: files.rename("a", "b"),
        lambda files: files.sync("a"),
    ],
)
def test_a_missing_file_is_file_not_found(
    files: SegmentFiles, use: Callable[[SegmentFiles], object]
) -> None:
    with pytest.raises(FileNotFoundError):
        use(files)


def test_a_folder_that_does_not_exist_holds_nothing(make: Make) -> None:
    assert make().names() == []


def test_a_second_lock_is_refused_until_the_first_is_given_back(make: Make) -> None:
    first, second = make(), make()
    first.lock()

    with pytest.raises(JournalLocked):
        second.lock()

    first.unlock()
    second.lock()
    second.unlock()


def test_the_lock_is_no_file_of_the_journal(files: SegmentFiles) -> None:
    assert files.names() == []
