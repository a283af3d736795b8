"""`gateway logs`."""

from pathlib import Path

from click.testing import CliRunner

from gateway.cli.commands.logs import LogFile
from gateway.cli.exits import Exit
from gateway.cli.main import main


def test_the_last_lines_and_then_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("1\n2\n3\nhalf")
    log = LogFile(path)

    assert list(log.last(2)) == ["2", "3"]
    with path.open("a") as file:
        file.write(" done\n5\n")
    assert list(log.new()) == ["half done", "5"]
    assert list(log.new()) == []


def test_a_log_that_was_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old\nold\n")
    log = LogFile(path)
    list(log.new())

    path.rename(tmp_path / "a.log.1")
    assert list(log.new()) == []
    path.write_text("new\n")

    assert list(log.new()) == ["new"]


def test_a_log_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old\nold\n")
    log = LogFile(path)
    list(log.new())

    path.write_text("new\n")

    assert list(log.new()) == ["new"]


def test_several_logs_name_their_process_in_each_line(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "executor.log").write_text("e1\ne2\n")
    (tmp_path / "log" / "listener.log").write_bytes(b"l1 \xff\n")

    both = CliRunner().invoke(main, ["--home", str(tmp_path), "logs", "executor", "listener"])
    one = CliRunner().invoke(main, ["--home", str(tmp_path), "logs", "-n", "1", "executor"])

    assert both.stdout == "executor | e1\nexecutor | e2\nlistener | l1 \ufffd\n"
    assert one.stdout == "e2\n"


def test_without_logs_it_says_so(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["--home", str(tmp_path), "logs"])

    assert said.exit_code == Exit.FAILED
    assert "there is no log" in said.stderr
