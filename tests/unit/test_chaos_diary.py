"""What the programs of a chaos run leave behind, also when they die in the middle of a line."""

import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.chaos.diary import Began, Diary, DiaryReader, Gave, Got, Told
from gateway.chaos.falls import falls_of
from gateway.chaos.growth import trend
from gateway.chaos.judging import Told as Program
from gateway.chaos.plan import Blow
from gateway.chaos.striking import Struck
from gateway.sim.figures import figures_in, tell_figures
from gateway.sim.records import Command, Delivery, Heard, HeldTransaction, Item


def command(order_id: str) -> Command:
    return Command("cancel", 1, "desk", "c1", order_id, "main", symbol="BTC/USDT")


def test_a_diary_is_read_as_it_was_written(tmp_path: Path) -> None:
    done = HeldTransaction(
        *("key", "fill", "o1", "main", "BTC/USDT", "buy"),
        *(Decimal("0.1"), Decimal("60000.5"), None, None, "5", "17"),
    )
    heard = Heard(1, 7, item=Item("main", 1, 7, None, transaction=done))
    lines = [Gave(command("o1")), Told("main", heard), Got("tax", "main", Delivery("asked", 7))]
    diary = Diary(tmp_path / "d")
    for line in lines:
        diary.write(line)

    assert list(DiaryReader(tmp_path / "d").read()) == [Began(), *lines]


def test_a_line_that_its_writer_did_not_finish_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "d"
    Diary(path).write(Gave(command("o1")))
    with path.open("ab") as file:
        file.write(b'{"type":"gave","comm')
    reader = DiaryReader(path)
    before = list(reader.read())

    Diary(path).write(Gave(command("o2")))

    assert before == [Began(), Gave(command("o1"))]
    assert list(reader.read()) == [Began(), Gave(command("o2"))]


def test_what_a_program_asked_for_before_it_died_is_given_up() -> None:
    told = Program("desk")
    for line in (Began(), Gave(command("o1")), Began(), Gave(command("o2"))):
        told.take(line)

    assert [(one.order_id, one.kept) for one in told.all_commands()] == [
        ("o1", False),
        ("o2", True),
    ]


def test_a_process_that_ended_by_itself_has_fallen_and_one_that_was_killed_has_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "supervisord.log").write_text(
        "WARN exited: listener (terminated by SIGKILL; not expected)\n"
        "INFO exited: manager (exit status 0; expected)\n"
        "WARN exited: executor (exit status 1; not expected)\n"
        "WARN exited: paper (terminated by SIGSEGV; not expected)\n"
    )

    assert {line.split()[2] for line in falls_of(tmp_path)} == {"executor", "paper"}


def test_an_abort_without_descriptors_is_the_blow_and_another_one_is_a_fall(tmp_path: Path) -> None:
    aborted = "WARN exited: {} (terminated by SIGABRT; not expected)\n"
    log = aborted.format("listener") * 2 + aborted.format("executor")
    (tmp_path / "supervisord.log").write_text(log)
    (tmp_path / "listener.log").write_text("Too many open files (src/ipc_listener.cpp:297)\n")
    (tmp_path / "executor.log").write_text("Bad address (src/signaler.cpp:345)\n")

    assert [line.split()[2] for line in falls_of(tmp_path)] == ["listener", "executor"]


def local_time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def test_an_abort_without_a_word_is_the_blow_while_there_are_no_descriptors(tmp_path: Path) -> None:
    line = "{},792 WARN exited: paper (terminated by SIGABRT; not expected)\n"
    first = 1_790_000_000
    said = [local_time(at) for at in (first, first + 120)]
    (tmp_path / "supervisord.log").write_text("".join(line.format(at) for at in said))
    blow = Struck(Blow.DESCRIPTORS, "paper", (first - 1) * 10**9, first * 10**9)

    assert len(falls_of(tmp_path)) == 2
    assert [one[:19] for one in falls_of(tmp_path, [blow])] == said[1:]
    elsewhere = replace(blow, target="listener")
    assert len(falls_of(tmp_path, [elsewhere])) == 2


def test_python_that_found_no_file_to_begin_with_was_hit_and_another_has_fallen(
    tmp_path: Path,
) -> None:
    ended = "WARN exited: {} (exit status {}; not expected)\n"
    log = ended.format("actioner", 1) * 2 + ended.format("manager", 127) + ended.format("paper", 1)
    (tmp_path / "supervisord.log").write_text(log)
    begun = "Fatal Python error: init_import_site: Failed to import the site module\n"
    none_left = "OSError: [Errno 24] Too many open files: 'lib-dynload'\n"
    (tmp_path / "actioner.log").write_text(begun + none_left)
    loading = "python: error while loading shared libraries: libc.so.6: cannot open: Error 24\n"
    (tmp_path / "manager.log").write_text(loading)
    (tmp_path / "paper.log").write_text(begun + "ModuleNotFoundError: No module named 'gateway'\n")

    assert [line.split()[2] for line in falls_of(tmp_path)] == ["actioner", "paper"]


def test_figures_are_the_last_line_that_a_run_prints(capsys: pytest.CaptureFixture[str]) -> None:
    tell_figures({"orders": 3})

    assert figures_in(capsys.readouterr().out) == {"orders": 3}
    assert figures_in("it broke before\n") == {}


def test_a_trend_is_what_grows_with_each_order_once_it_is_warm() -> None:
    looks = [(orders, 1_000_000 + 3 * orders) for orders in range(0, 1_000, 10)]

    assert round(trend(looks).per_order, 6) == 3
    assert trend([(orders, 7) for orders in range(100)]).per_order == 0
