"""The names of accounts, for the shell to complete."""

import click
from click.shell_completion import CompletionItem

from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.domain.errors import GatewayError


class AccountName(click.ParamType[str]):
    """Any text; what is completed is what the configuration here names."""

    name = "account"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        try:
            names = load(ctx.ensure_object(Setting)).accounts
        except GatewayError:
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


ACCOUNT = AccountName()
