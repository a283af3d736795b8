"""Commands of the pages that no test types, since they take hours, or stand within a sentence:
each is there, and has the options that the page gives it."""

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from gateway.cli.main import main as command_line
from gateway.sim import __main__ as simulation
from gateway.supervision import CHECKOUT

PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
WITHIN_A_SENTENCE = re.compile(r"`gateway (?=[a-z-])([^`]+)`")
MAKE = r"make \w+ .*="
PYTHON = r"[\w./]*python (?:-m gateway\.(?:chaos|sim)|benchmarks/)"
LONG = re.compile(rf"(?:^ *|`)((?:{MAKE}|{PYTHON}).*?)(?:`|#|$)", re.MULTILINE)
PROGRAM = re.compile(r"\S*python (?:-m )?(\S+) ?(.*)")
NOT_PROGRAMS = {"demo", "lock"}
"""Make's targets that run something else; tests of their own run the first."""


def named(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_command_within_a_sentence_is_one_with_its_options(page: Path) -> None:
    for words in WITHIN_A_SENTENCE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "--help" in words:
            continue
        group = command_line.make_context("gateway", shlex.split(words), resilient_parsing=True)
        _, command, rest = command_line.resolve_command(group, group._protected_args + group.args)
        assert command is not None
        known = {option for one in command.params for option in one.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


def long_ones() -> list[str]:
    found = (LONG.findall(page.read_text(encoding="utf-8")) for page in PAGES)
    return sorted({line.strip() for lines in found for line in lines})


@pytest.mark.parametrize("line", long_ones())
def test_a_command_that_takes_long_is_understood(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program, words in programs_of(line):
        if program == "gateway.sim":
            monkeypatch.setattr("sys.argv", [program, *words])
            assert simulation._arguments().seeds > 0
        else:
            command_of(program).make_context(program, words)


def test_the_pages_name_each_of_the_long_programs() -> None:
    named_there = {program for line in long_ones() for program, _ in programs_of(line)}

    assert named_there == {
        "gateway.sim",
        "gateway.chaos",
        "gateway.chaos.soak",
        "gateway.chaos.fuzz",
        "benchmarks/latency.py",
    }


def programs_of(line: str) -> list[tuple[str, list[str]]]:
    """What it starts: itself, or what make says that it would."""
    words = shlex.split(line)
    if words[0] != "make":
        return [(program, shlex.split(rest)) for program, rest in PROGRAM.findall(line)]
    if words[1] in NOT_PROGRAMS:
        return []
    made = subprocess.run(
        ["make", "--dry-run", "--old-file=setup", *words[1:]],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [(program, shlex.split(rest)) for program, rest in PROGRAM.findall(made.stdout)]


def command_of(program: str) -> click.Command:
    if program.endswith(".py"):
        spec = importlib.util.spec_from_file_location("program", CHECKOUT / program)
    else:
        spec = importlib.util.find_spec(program)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{program}.__main__")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    command: click.Command = module.main
    return command
