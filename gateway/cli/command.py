"""What all commands share: where the gateway is, how to print, and how to fail."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gateway.cli.exits import Exit, exit_of
from gateway.cli.setting import Setting
from gateway.domain.errors import GatewayError


def shared_options() -> list[click.Parameter]:
    """They may stand before the command's name and after it."""
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path, dir_okay=False),
            envvar="GATEWAY_CONFIG",
            help="The TOML file. [gateway.toml here, or the embedded defaults]",
            expose_value=False,
            callback=_note,
        ),
        click.Option(
            ["--home"],
            type=click.Path(path_type=Path, file_okay=False),
            envvar="GATEWAY_HOME",
            help="Where the gateway keeps what it writes. [var here]",
            expose_value=False,
            callback=_note,
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            help="For machines: one JSON document, or one a line.",
            expose_value=False,
            callback=_note,
        ),
    ]


def _note(ctx: click.Context, option: click.Parameter, value: object) -> None:
    """What stands nearer to the end of the line wins; an environment variable never does."""
    setting = ctx.ensure_object(Setting)
    name = option.name or ""
    given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    if value and (given or not getattr(setting, name)):
        setattr(setting, name, value)


class Command(click.Command):
    """Ends with a code of `Exit`, and with one plain line on stderr if it is not 0."""

    def __init__(self, *args: Any, examples: str = "", **more: Any) -> None:
        self.examples = tuple(line.strip() for line in examples.strip().splitlines())
        super().__init__(*args, **more)
        self.params.extend(shared_options())

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")

    def invoke(self, ctx: click.Context) -> Any:
        setting = ctx.ensure_object(Setting)
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            fail(setting, error)
            ctx.exit(exit_of(error))
        except BrokenPipeError:  # whoever read us has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(Exit.OK)
        except KeyboardInterrupt:
            ctx.exit(Exit.INTERRUPTED)


def fail(setting: Setting, error: GatewayError) -> None:
    if setting.as_json:
        said = json.dumps({"error": {"code": error.code, "text": str(error)}})
        click.echo(said, err=True)
        return
    for line in str(error).splitlines() or [""]:
        click.echo(f"gateway: {error.code}: {line}", err=True)
