"""Alarms: every kind that is raised is explained, and each alarm has an id of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.domain.alarms import KINDS, alarm_id_of, is_alarm_id
from gateway.domain.change import Alarm
from gateway.domain.codes import codes_page
from gateway.domain.identity import AccountId, OrderId
from gateway.domain.messages import KnownAlarm

PACKAGE = Path(__file__).resolve().parents[3] / "gateway"
RAISING = {"alarm", "_alarm", "_raise_alarm", "Alarm"}
SIMULATED = {"sim", "paper", "chaos", "cli"}
ALARM = Alarm(kind="overfill", text="more", at=1, account=AccountId("main"))


def explained() -> set[str]:
    return {kind for kinds in KINDS.values() for kind in kinds}


def raised() -> Iterator[str]:
    """The kinds that stand in the code, and the variable ones by their beginning."""
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in SIMULATED:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name_of(node.func) in RAISING:
                yield from _words([*node.args, *(k.value for k in node.keywords)])


def _name_of(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _words(given: list[ast.expr]) -> Iterator[str]:
    for one in given:
        fixed = one.values[0] if isinstance(one, ast.JoinedStr) else one
        value = fixed.value if isinstance(fixed, ast.Constant) else None
        if isinstance(value, str) and value and value.replace("_", "").isalpha():
            yield value


def test_every_kind_that_is_raised_is_explained() -> None:
    found = set(raised())

    assert {word for word in found if not word.endswith("_")} <= explained()
    for beginning in (word for word in found if word.endswith("_")):
        assert any(kind.startswith(beginning) for kind in explained())
    assert len(found) > 10, "the search finds nothing"


def test_the_page_has_them_all() -> None:
    assert all(f"| `{kind}` |" in codes_page() for kind in explained())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "vanished"},
        {"text": "less"},
        {"at": 2},
        {"account": AccountId("other")},
        {"order_id": OrderId("0190-1")},
    ],
)
def test_alarms_that_differ_have_different_ids(change: dict[str, object]) -> None:
    other = replace(ALARM, **change)

    assert is_alarm_id(alarm_id_of(ALARM))
    assert alarm_id_of(other) != alarm_id_of(ALARM)


def test_who_acknowledged_it_does_not_change_an_alarms_id() -> None:
    known = KnownAlarm.of(ALARM, alarm_id_of(ALARM), acknowledged_at=5, acknowledged_by="ann")

    assert alarm_id_of(known) == alarm_id_of(ALARM)


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "G" * 32, "0" * 30 + "é0"])
def test_what_is_no_id_is_told(text: str) -> None:
    assert not is_alarm_id(text)
