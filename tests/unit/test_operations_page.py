"""The page for operators knows every problem, alarm and metric that there is, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.alarms import KINDS
from gateway.metrics.catalogue import METRICS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
SAYING = (
    "executor/executor.py",
    "executor/gate.py",
    "listener/listener.py",
    "listener/ledger.py",
    "listener/hearing.py",
    "writer.py",
    "manager/manager.py",
    "actioner/actioner.py",
    "actioner/surroundings.py",
    "service/around.py",
    "service/listener.py",
)
WORD = re.compile(r"([a-z]+(?:_[a-z]+)*): ")
BY_CODE = {"journal_full", "journal_failed"}
"""Their words are put in from elsewhere."""


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", section(title), re.MULTILINE))


def problem_words() -> Iterator[str]:
    for name in SAYING:
        for node in ast.walk(ast.parse((ROOT / "gateway" / name).read_text())):
            begins = node.values[0] if isinstance(node, ast.JoinedStr) else node
            if isinstance(begins, ast.Constant) and isinstance(begins.value, str):
                found = WORD.match(begins.value)
                if found:
                    yield found[1]


def test_every_problem_that_health_can_name_is_on_the_page() -> None:
    assert set(problem_words()) | BY_CODE == rows("Is it well?")


def test_every_kind_of_alarm_has_its_advice() -> None:
    kinds = {kind for of_one in KINDS.values() for kind in of_one}

    assert rows("Alarms") == kinds


def test_the_pages_expressions_ask_for_metrics_that_exist() -> None:
    asked = {re.sub(r"_bucket$", "", name) for name in re.findall(r"gateway_[a-z_]+", PAGE)}

    assert asked <= METRICS.keys()
    assert len(asked) > 5


@pytest.mark.parametrize(
    "event", re.findall(r"^(\w+_\w+) +(\w+) +(.*)$", section("Logs"), re.MULTILINE)
)
def test_the_debug_lines_are_those_of_the_code(event: tuple[str, str, str]) -> None:
    name, process, keys = event
    sources = "".join(path.read_text() for path in (ROOT / "gateway" / process).glob("*.py"))

    (message,) = re.findall(rf'"{name}( [^"]*)"', sources)
    assert re.findall(r"(\w+)=%", message) == keys.split()
