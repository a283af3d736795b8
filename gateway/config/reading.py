"""From TOML text to a `Config`, or to every reason why not."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.secrets import Secret, is_open_to_others
from gateway.config.sections import (
    AccountSection,
    Config,
    CurveSection,
    VenueSection,
)
from gateway.domain.errors import BadConfig

_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:\S+@|password\s*=")
_BY_NAME: Mapping[str, type[BaseModel]] = {"venues": VenueSection, "accounts": AccountSection}
_WORDS = {
    "extra_forbidden": "there is no such key",
    "missing": "it is missing",
    "model_type": "it is a section, with keys of its own",
    "dict_type": "it is a section, with keys of its own",
    "string_pattern_mismatch": "1 to 64 letters, digits, '_', '.' or '-', no sign first",
}

_WHERE = 'say where it is found: { env = "NAME" }, { file = "..." } or { command = "..." }'

Problem = tuple[str, str]
"""A key and what is wrong with it."""


def load(path: Path, *, for_processes: bool = True) -> Config:
    """The configuration in the file. Raises BadConfig that names every wrong key.

    `for_processes`: it must have accounts; a program elsewhere needs only the endpoints.
    """
    try:
        text = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except OSError as error:
        raise BadConfig(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadConfig(f"{path}: it is not UTF-8 text") from error
    config = parse(text, str(path), folder=path.absolute().parent, for_processes=for_processes)
    clear = _in_clear(config)
    if clear and is_open_to_others(mode):
        reason = "it holds a secret in clear, and others can read this file; use chmod 600"
        raise BadConfig(f"{path}: {clear}: {reason}")
    return config


def parse(
    text: str, source: str, *, folder: Path | None = None, for_processes: bool = True
) -> Config:
    """`source` names the text in errors; relative paths start at `folder`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{source}: {error}") from error
    problems = list(_across_sections(raw, for_processes=for_processes))
    try:
        config = Config.model_validate(raw, context={"folder": folder or Path.cwd()})
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        problems = [*map(_explain, found), *problems]
    if problems:
        raise BadConfig("\n".join(": ".join(filter(None, (source, *one))) for one in problems))
    return _with_paper_urls(config)


def _with_paper_urls(config: Config) -> Config:
    venues = {
        name: venue.at_paper(config.paper) if venue.paper else venue
        for name, venue in config.venues.items()
    }
    return config.model_copy(update={"venues": venues})


# ---- what no single section can tell, from whatever is there -----------------------------------


def _across_sections(raw: Mapping[str, Any], *, for_processes: bool) -> Iterator[Problem]:
    accounts, venues = _tables(raw, "accounts"), _tables(raw, "venues")
    if for_processes and not accounts:
        yield "accounts", "at least one [accounts.NAME] is needed"
    for name, account in accounts.items():
        venue = account.get("venue")
        if isinstance(venue, str) and venue not in venues:
            yield f"accounts.{name}.venue", f"there is no [venues.{venue}]"
        elif not venues.get(str(venue), {}).get("paper"):
            yield from _clear_values(f"accounts.{name}", account)
    yield from _clear_values("store", _tables({"store": raw}, "store").get("store", {}))


def _clear_values(key: str, holder: Mapping[str, Any]) -> Iterator[Problem]:
    for name, secret in holder.items():
        if not isinstance(secret, dict):
            continue
        if name == "other":
            yield from _clear_values(f"{key}.other", secret)
        elif "value" in secret and not secret.get("in_clear"):
            reason = "use env, file or command; or add in_clear = true if it must stand here"
            yield f"{key}.{name}.value", reason


def _tables(raw: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    found = raw.get(name)
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def _in_clear(config: Config) -> str:
    """The key of a secret that stands in the file itself and matters; empty: there is none."""
    if _PASSWORD_IN_URL.search(config.store.url.get_secret_value()):
        return "store.url"
    secrets: dict[str, Secret | None] = {"store.password": config.store.password}
    for name, account in config.accounts.items():
        if not config.venues[account.venue].paper:
            secrets.update(account.secrets(name))
    return next((key for key, one in secrets.items() if one and one.value), "")


# ---- one error in plain words ------------------------------------------------------------------


def _explain(error: ErrorDetails) -> Problem:
    loc = [str(part) for part in error["loc"] if part != "[key]"]
    reason = _WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
    if error["type"] == "model_type" and _section_at(loc) is Secret:
        reason = _WHERE
    if error["type"] == "extra_forbidden":
        reason += _suggestion(loc)
    return ".".join(loc), reason


def _suggestion(loc: list[str]) -> str:
    names = _section_at(loc[:-1]).model_fields
    near = difflib.get_close_matches(loc[-1], names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"


def _section_at(loc: list[str]) -> type[BaseModel]:
    if not loc:
        return Config
    if loc[0] in _BY_NAME:
        return _BY_NAME[loc[0]] if len(loc) == 2 else Secret
    if len(loc) > 1:
        return CurveSection if loc[0] == "endpoints" else Secret
    section = Config.model_fields[loc[0]].annotation
    return section if isinstance(section, type) and issubclass(section, BaseModel) else Config
