"""`gateway config`."""

import re
from typing import Any

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json
from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.cli.toml import to_toml
from gateway.config import Config
from gateway.service.endpoints import endpoints_of
from gateway.store.urls import without_password

HIDDEN = "***"
_SECRET_NAME = re.compile(r"secret|password|passphrase|token|private_?key|api_?key", re.IGNORECASE)
EXAMPLES = """
gateway config
gateway --config desk.toml config --json
"""


@click.command("config", cls=Command, examples=EXAMPLES)
@click.pass_obj
def command(setting: Setting) -> None:
    """Show the effective configuration, with its defaults, secrets hidden.

    Exit code 2, and a line for each wrong key, if it is not one.
    """
    config = load(setting, for_processes=True)
    shown = effective(config)
    if setting.as_json:
        as_json({"source": setting.config_name, "home": str(setting.place.root), "config": shown})
        return
    click.echo(f"# source: {setting.config_name}\n# home: {setting.place.root}")
    for name in ("orders", "urgent", "reports", "status", "requests"):
        click.echo(f"# {name}: {getattr(endpoints_of(config, setting.place), name)}")
    click.echo(to_toml(shown))


def effective(config: Config) -> dict[str, Any]:
    """What is in force, without a secret in it."""
    found = config.model_dump(mode="json", exclude_none=True)
    found["store"]["url"] = without_password(config.store.url.get_secret_value())
    shown: dict[str, Any] = _hidden(found)
    return shown


def _hidden(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _hidden(one, key) for key, one in value.items() if _matters(key, one)}
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if isinstance(value, str):
        hide = name == "value" or _SECRET_NAME.search(name)
        return HIDDEN if hide else without_password(value)
    return value


def _matters(key: str, value: Any) -> bool:
    return value != {} and not (key == "in_clear" and value is False)
