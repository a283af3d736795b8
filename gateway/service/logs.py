"""Logs: one line an event, an action's name and then ids as key=value, alike in all processes.

An event's fields are given as `extra` or named in its message, as in `"order_placed order_id=%s"`.
Either way they are fields of the JSON form, with their own types.

What is logged may repeat what a stranger sent. No text can pass for an event of its own, or move a
terminal's cursor: as text, further lines are indented and control characters escaped.
"""

import json
import logging
import re
import sys
import time
from typing import Literal

_TEMPLATE = re.compile(r"\w+(?: \w+=%\w)+")
_KEY = re.compile(r" (\w+)=%")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class EventFormatter(logging.Formatter):
    """Appends what was given as `extra`; as text for people or as one JSON object a line."""

    def __init__(self, role: str, form: Literal["text", "json"]) -> None:
        super().__init__()
        self._role = role
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        at = f"{second}.{int(record.msecs):03d}Z"
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self._form == "json":
            return self._as_json(record, at, fields, trace)
        more = "".join(f" {key}={value}" for key, value in fields.items())
        said = contained(f"{record.getMessage()}{more}")
        line = f"{at} {record.levelname:<8} {self._role:<8} {said}"
        return f"{line}\n{trace}" if trace else line

    def _as_json(
        self, record: logging.LogRecord, at: str, fields: dict[str, object], trace: str
    ) -> str:
        event, named = event_of(record)
        line: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "event": event,
            **named,
            **fields,
        }
        if trace:
            line["trace"] = trace
        return json.dumps(line, default=str)


def event_of(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """The event's name, and the fields named in its message; any other message is all name."""
    template, args = record.msg, record.args
    if isinstance(template, str) and isinstance(args, tuple) and _TEMPLATE.fullmatch(template):
        keys = _KEY.findall(template)
        if len(keys) == len(args):
            return template.partition(" ")[0], dict(zip(keys, args, strict=True))
    return record.getMessage(), {}


def contained(text: str) -> str:
    if text.isprintable():
        return text
    lines = text.split("\n")
    return "\n    ".join("".join(map(_visible, line)) for line in lines)


def _visible(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def configure(role: str, form: Literal["text", "json"] = "text", level: str = "INFO") -> None:
    """To stderr, in UTC. For a process of its own; an attached gateway leaves the host's alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter(role, form))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiohttp.access", "asyncio", "ccxt"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
