"""Every line that is logged: an event's name, and fields with the same keys everywhere."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = {"log", "logger", "_log"}
OTHERS = {"sim", "paper", "chaos", "cli"}
"""Programs beside the gateway, which speak to whoever started them."""
RELAYED = {"%s", "%s: %s"}
"""What another program said, as it said it."""

NAME = re.compile(r"[a-z]+(_[a-z0-9]+)*")
TEMPLATE = re.compile(rf"({NAME.pattern})((?: {NAME.pattern}=%[sdgr])*)")
TAKEN = {"at", "level", "role", "logger", "event", "trace"}
"""Keys that each JSON line has of its own."""
OTHER_WORDS_FOR = {
    **dict.fromkeys(("oid", "order", "id", "orderid", "cl_ord_id"), "order_id"),
    **dict.fromkeys(("cid", "command", "cmd"), "command_id"),
    **dict.fromkeys(("client", "owner"), "client_id"),
    **dict.fromkeys(("acc", "acct", "account_id"), "account"),
    **dict.fromkeys(("request",), "request_id"),
    **dict.fromkeys(("alarm",), "alarm_id"),
}


@dataclass(frozen=True)
class Line:
    where: str
    message: str
    keys: tuple[str, ...]


def lines() -> Iterator[Line]:
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        if path.relative_to(ROOT / "gateway").parts[0] in OTHERS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _is_logging(node.func):
                yield _line(f"{path.relative_to(ROOT)}:{node.lineno}", node)


def _is_logging(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS:
        return False
    return isinstance(function.value, ast.Name) and function.value.id in LOGGERS


def _is_general(function: ast.expr) -> bool:
    """`log.log(level, message)`"""
    return isinstance(function, ast.Attribute) and function.attr == "log"


def _line(where: str, call: ast.Call) -> Line:
    first = call.args[_is_general(call.func)]
    message = first.value if isinstance(first, ast.Constant) else "<not a literal>"
    extra = next((word.value for word in call.keywords if word.arg == "extra"), None)
    names = extra.keys if isinstance(extra, ast.Dict) else []
    in_extra = [name.value for name in names if isinstance(name, ast.Constant)]
    return Line(where, str(message), (*re.findall(r" (\w+)=%", str(message)), *map(str, in_extra)))


def test_every_message_is_an_events_name_with_its_fields() -> None:
    found = list(lines())
    wrong = [
        one for one in found if one.message not in RELAYED and not TEMPLATE.fullmatch(one.message)
    ]

    assert wrong == []
    assert len(found) > 50, "the search finds nothing"


def test_a_field_never_hides_what_each_line_has() -> None:
    assert [line for line in lines() if TAKEN & set(line.keys)] == []


def test_an_id_has_one_name_in_all_processes() -> None:
    wrong = [line for line in lines() if OTHER_WORDS_FOR.keys() & set(line.keys)]

    assert wrong == []


def test_an_order_can_be_followed_through_all_processes() -> None:
    with_order_id = {line.where.split("/")[1] for line in lines() if "order_id" in line.keys}

    assert with_order_id >= {"executor", "listener", "actioner", "manager"}
