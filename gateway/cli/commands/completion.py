"""`gateway completion`."""

import click
from click.shell_completion import get_completion_class

from gateway.cli.command import Command
from gateway.domain.errors import BadInput

EXAMPLES = """
gateway completion bash
gateway completion zsh
gateway completion fish
"""


@click.command("completion", cls=Command, examples=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete gateway's commands and options.

    For bash put `eval "$(gateway completion bash)"` into ~/.bashrc.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise BadInput(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "gateway", "_GATEWAY_COMPLETE").source())
