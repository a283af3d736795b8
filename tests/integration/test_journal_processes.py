"""The journal in a real folder, with real processes that are killed, and a real full disk.

Run as a program, this file is the other process: `python test_journal_processes.py ROLE FOLDER`.
"""

import contextlib
import dataclasses
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.journal import (
    DirectoryFiles,
    Journal,
    JournalFull,
    JournalLocked,
    JournalOptions,
    JournalReader,
    MemoryFiles,
    RecordsGone,
    SegmentFiles,
    machine_boot_id,
)

OPTIONS = JournalOptions(
    boot_id=machine_boot_id(), segment_records=200, reserve_bytes=1 << 16, spare_segments=1
)
DISK_BYTES = 1 << 20
DEADLINE_S = 60


def opened(files: SegmentFiles, options: JournalOptions = OPTIONS) -> Journal:
    return Journal.open(files, options, empty_checkpoint=b"0")[0]


def payload(number: int) -> bytes:
    return f"{number} ".encode() * (1 + number % 97)


# The other process.


def write_and_keep_all(folder: Path) -> None:
    """Appends and rolls for ever, and says what it appended."""
    journal = opened(DirectoryFiles(folder))
    while True:
        number = journal.append(payload(journal.next_number))
        if journal.should_roll:
            journal.roll(str(number).encode())
        if number % 50 == 0:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


def write_and_drop(folder: Path) -> None:
    """Appends for ever and keeps as little of it as it may."""
    journal = opened(DirectoryFiles(folder))
    while True:
        number = journal.append(payload(journal.next_number))
        if journal.should_roll:
            journal.roll(str(number).encode())
            journal.drop_before(number)


def hold_lock(folder: Path) -> None:
    opened(DirectoryFiles(folder))
    sys.stdout.write("locked\n")
    sys.stdout.flush()
    signal.pause()


def fill_small_disk(folder: Path) -> None:
    """On a disk of DISK_BYTES that the caller has mounted here."""
    filler = folder / "filler"

    def fill() -> None:
        with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    check_full_disk(DirectoryFiles(folder / "journal"), fill, filler.unlink)
    sys.stdout.write("done\n")


def check_full_disk(files: SegmentFiles, fill: object, free: object) -> None:
    """New records stop, urgent ones go on, nothing is half written, and space brings all back."""
    assert callable(fill)
    assert callable(free)
    journal = opened(files)
    first = append_until_full(journal, b"place" * 20, at_most=50)
    fill()
    refused = append_until_full(journal, b"place" * 200, at_most=1000)
    assert len(refused) < 100, "the disk was not full"
    urgent = append_until_full(journal, b"cancel" * 10, at_most=200, urgent=True)
    assert len(urgent) == 200
    assert journal.is_full
    assert append_until_full(journal, b"place", at_most=1) == []
    free()
    again = append_until_full(journal, b"place", at_most=50)
    assert len(again) == 50
    assert not journal.is_full
    journal.close(clean=False)
    _, recovery = Journal.open(files, OPTIONS, empty_checkpoint=b"0")
    assert [n for n, _ in recovery.records] == [*first, *refused, *urgent, *again]
    assert (recovery.torn_bytes, recovery.damaged) == (0, ())


def append_until_full(
    journal: Journal, payload: bytes, *, at_most: int, urgent: bool = False
) -> list[int]:
    numbers: list[int] = []
    with contextlib.suppress(JournalFull):
        while len(numbers) < at_most:
            numbers.append(journal.append(payload, urgent=urgent))
    return numbers


# The tests.


@contextlib.contextmanager
def other_process(role: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, __file__, role, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def last_number_said(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    process.kill()
    numbers = [int(line) for line in process.stdout if line.endswith("\n")]
    return numbers[-1] if numbers else 0


def test_a_second_writer_is_refused_and_told_the_pid_of_the_first(tmp_path: Path) -> None:
    with other_process("hold_lock", tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"

        with pytest.raises(JournalLocked, match=f"by process {holder.pid}") as caught:
            opened(DirectoryFiles(tmp_path))

        assert caught.value.pid == holder.pid
    opened(DirectoryFiles(tmp_path)).close()


def test_a_reader_in_another_process_sees_every_record_in_order(tmp_path: Path) -> None:
    reader = JournalReader(DirectoryFiles(tmp_path))
    wanted = 1
    deadline = time.monotonic() + DEADLINE_S
    with other_process("write_and_keep_all", tmp_path):
        while wanted <= 5000:
            assert time.monotonic() < deadline
            for number, content in reader.read_from(wanted):
                assert (number, content) == (wanted, payload(wanted))
                wanted += 1


def test_a_reader_left_behind_is_told_and_goes_on_with_what_is_left(tmp_path: Path) -> None:
    reader = JournalReader(DirectoryFiles(tmp_path))
    wanted, seen, gone = 1, 0, 0
    deadline = time.monotonic() + DEADLINE_S
    with other_process("write_and_drop", tmp_path) as writer:
        while seen < 2000 or gone < 3:
            assert time.monotonic() < deadline
            assert writer.poll() is None
            try:
                records = reader.read_from(wanted, limit=7)
            except RecordsGone as error:
                records, gone = [], gone + 1
                wanted = max(error.first, wanted + 1)
            for number, content in records:
                assert (number, content) == (wanted, payload(wanted))
                wanted += 1
            seen += len(records)
            if seen > 2000 * (gone + 1):
                wanted = 1  # also those who start at the beginning are told


def test_a_writer_killed_again_and_again_loses_nothing_that_it_appended(tmp_path: Path) -> None:
    chance = random.Random(62)
    reader = JournalReader(DirectoryFiles(tmp_path))
    wanted = 1
    for _ in range(8):
        with other_process("write_and_keep_all", tmp_path) as writer:
            until = wanted + chance.randint(100, 900)
            deadline = time.monotonic() + DEADLINE_S
            while wanted < until:
                assert time.monotonic() < deadline
                for number, content in reader.read_from(wanted):
                    assert (number, content) == (wanted, payload(wanted))
                    wanted += 1
            said = last_number_said(writer)
        journal, recovery = Journal.open(DirectoryFiles(tmp_path), OPTIONS, empty_checkpoint=b"0")
        assert recovery.next_number > max(said, wanted - 1)
        assert recovery.is_continuous or recovery.torn_bytes
        assert recovery.checkpoint is not None
        assert [n for n, _ in recovery.records] == list(
            range(int(recovery.checkpoint) + 1, recovery.next_number)
        )
        journal.close(clean=False)


@pytest.fixture
def small_disk_command() -> list[str] | None:
    """Runs a shell command with its own mounts, as root or in a user namespace; None if neither."""
    for flags in (["-m"], ["-U", "-r", "-m"]):
        command = ["unshare", *flags, "sh", "-c"]
        probe = [*command, "mount -t tmpfs tmpfs /mnt"]
        if shutil.which("unshare") and not subprocess.call(probe, stderr=subprocess.DEVNULL):
            return command
    return None


def test_a_full_disk_stops_new_records_and_takes_urgent_ones(
    tmp_path: Path, small_disk_command: list[str] | None
) -> None:
    if small_disk_command is None:  # no mounts allowed here: the disk in memory is as full
        files = MemoryFiles()
        check_full_disk(files, lambda: fill_memory(files), lambda: free_memory(files))
        return
    mount = f"mount -t tmpfs -o size={DISK_BYTES} tmpfs {tmp_path}"
    run = f"exec {sys.executable} {__file__} fill_small_disk {tmp_path}"
    done = subprocess.run(
        [*small_disk_command, f"{mount} && {run}"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def fill_memory(files: MemoryFiles) -> None:
    files.capacity = sum(files.size(name) for name in files.names()) + 100


def free_memory(files: MemoryFiles) -> None:
    files.capacity = None


def test_a_limit_on_the_size_of_a_file_is_a_full_disk_too(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, reserve_bytes=0)
    journal = opened(DirectoryFiles(tmp_path), options)
    before = append_until_full(journal, b"x" * 100, at_most=10)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.size_bytes + 50, limit[1]))
    try:
        for urgent in (False, True):
            with pytest.raises(JournalFull):
                journal.append(b"y" * 100, urgent=urgent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    after = append_until_full(journal, b"z" * 100, at_most=10)
    journal.close()

    _, recovery = Journal.open(DirectoryFiles(tmp_path), options, empty_checkpoint=b"0")
    assert [n for n, _ in recovery.records] == [*before, *after] == list(range(1, 21))
    assert recovery.is_continuous


def test_an_unfinished_segment_of_a_dead_process_is_cleared_away(tmp_path: Path) -> None:
    journal = opened(DirectoryFiles(tmp_path))
    journal.append(b"one")
    journal.close()
    unfinished = tmp_path / "0000000002-00000000000000000002.segment.new"
    unfinished.write_bytes(b"half a head")

    files = DirectoryFiles(tmp_path)
    _, recovery = Journal.open(files, OPTIONS, empty_checkpoint=b"0")

    assert not unfinished.exists()
    assert recovery.records == [(1, b"one")]


def test_only_the_owner_can_look_into_the_folder(tmp_path: Path) -> None:
    opened(DirectoryFiles(tmp_path / "journal")).append(b"one")

    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o700
    for path in (tmp_path / "journal").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_the_machine_says_its_boot_id() -> None:
    assert machine_boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


ROLES = {
    "hold_lock": hold_lock,
    "fill_small_disk": fill_small_disk,
    "write_and_keep_all": write_and_keep_all,
    "write_and_drop": write_and_drop,
}

if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        ROLES[sys.argv[1]](Path(sys.argv[2]))
