"""What is imported when it is used: commands, and what needs a package that may be missing.

The one place of the package where a module is imported by name: `gateway --help` would otherwise
load ccxt, ZeroMQ and PostgreSQL's driver, and take seconds.
"""

import difflib
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import click
from click.shell_completion import CompletionItem

from gateway.domain.errors import BadConfig

Sections = Mapping[str, Mapping[str, str]]
"""By title, the commands' names with a line of help each."""


class LazyGroup(click.Group):
    """`name` is the module `package.name`, with `_` for `-`, which defines `command`."""

    def __init__(self, *args: Any, package: str, sections: Sections, **more: Any) -> None:
        super().__init__(*args, **more)
        self._package = package
        self._sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return [name for section in self._sections.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; `gateway --help` lists them"
        return ctx.fail(f"there is no command {name}{hint}")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and options, without importing any command."""
        named = [
            CompletionItem(name, help=line)
            for section in self._sections.values()
            for name, line in section.items()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for title, commands in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), line) for name, line in commands.items()])


def needing(package: str, module: str) -> ModuleType:
    """The module, which imports `package`. Raises BadConfig if that is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        text = f"this needs the package {package}: pip install {package}"
        raise BadConfig(text) from None
