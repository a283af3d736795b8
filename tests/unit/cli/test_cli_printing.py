"""What is printed beside the answer itself: progress, and words that are not ours."""

import io
import sys

import pytest

from gateway.cli.printing import show, table
from gateway.cli.progress import OFTEN, counted, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test: pytest sets stderr again after fixtures."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    return found


def test_progress_is_on_a_terminals_stderr_and_does_not_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = at_terminal(monkeypatch)

    with progress("waiting") as say:
        say("waiting for [/that]")

    said = terminal.getvalue()
    assert "waiting for [/that]" in said
    assert said.endswith("\x1b[2K"), "the line is erased"
    assert capsys.readouterr().out == ""


def test_where_nobody_looks_there_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("waiting") as say:
        say("for it")

    assert capsys.readouterr() == ("", "")


def test_what_is_counted_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch)

    assert list(counted(range(OFTEN + 1), "orders")) == list(range(OFTEN + 1))


def test_a_venues_words_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    made = table("what")
    made.add_row("[red]filter[/failure] :warning:")

    show(made)
    show("[bold]plain")

    said = capsys.readouterr().out
    assert "[red]filter[/failure] :warning:" in said
    assert "[bold]plain" in said
