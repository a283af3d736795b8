"""`gateway check`."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import click
from rich.text import Text

from gateway.cli.command import Command
from gateway.cli.exits import Exit
from gateway.cli.printing import as_json_lines, show, table
from gateway.cli.processes import Supervisor
from gateway.cli.progress import progress
from gateway.cli.reach import load
from gateway.cli.setting import Setting
from gateway.config import Config
from gateway.domain import venue as v
from gateway.domain.errors import GatewayError
from gateway.domain.identity import AccountId
from gateway.service.around import venue_settings
from gateway.service.database import store_url_of
from gateway.service.endpoints import curve_of, endpoints_of
from gateway.store.postgres import PostgresStore
from gateway.system import SystemClock, SystemRandomness
from gateway.venues.ccxt_venue import CcxtVenue

EXAMPLES = """
gateway check
gateway --config desk.toml check --timeout 60 --json
"""
STYLES = {"ok": "green", "later": "yellow", "failed": "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`later`: it can't be told before `gateway up`."""

    what: str
    result: str
    text: str


@click.command("check", cls=Command, examples=EXAMPLES)
@click.option("--timeout", default=30.0, show_default=True, help="Seconds for each venue.")
@click.pass_context
def command(ctx: click.Context, timeout: float) -> None:
    """Try the configuration, the keys, the venues and the database. Nothing is traded.

    Each account's key is read and used for one question: its balances. Exit code 1: something
    failed; 2: the configuration is wrong.
    """
    setting = ctx.ensure_object(Setting)
    config = load(setting, for_processes=True)
    findings = [Finding("configuration", "ok", setting.config_name), _endpoints(setting, config)]
    with progress("asking the venues and the database ..."):
        findings += asyncio.run(_check(setting, config, timeout))
    if setting.as_json:
        as_json_lines(findings)
    else:
        _show(findings)
    if any(finding.result == "failed" for finding in findings):
        ctx.exit(Exit.FAILED)


def _endpoints(setting: Setting, config: Config) -> Finding:
    try:
        keys = curve_of(config)
        requests = endpoints_of(config, setting.place).requests
    except GatewayError as error:
        return Finding("endpoints", "failed", f"{error.code}: {error}")
    return Finding("endpoints", "ok", f"{requests} ..., {'CURVE keys' if keys else 'no keys'}")


async def _check(setting: Setting, config: Config, timeout: float) -> list[Finding]:
    runs = Supervisor(setting.place).is_running()
    checks: list[Coroutine[Any, Any, Finding]] = [_database(setting, config, runs=runs)]
    checks.extend(_account(config, AccountId(name), timeout, runs=runs) for name in config.accounts)
    return list(await asyncio.gather(*checks))


async def _database(setting: Setting, config: Config, *, runs: bool) -> Finding:
    if config.runs_postgres and not runs:
        return Finding("database", "later", "the embedded PostgreSQL starts with `gateway up`")
    try:
        store = PostgresStore(store_url_of(config, setting.place))
        await store.open(wait=False)
        await store.close()
    except GatewayError as error:
        return Finding("database", "failed", f"{error.code}: {error}")
    return Finding("database", "ok", "it answers, and has the schema")


async def _account(config: Config, account: AccountId, timeout: float, *, runs: bool) -> Finding:
    section = config.accounts[account]
    what = f"account {account} at {section.venue}"
    if config.venues[section.venue].paper and not runs:
        return Finding(what, "later", "the paper venue starts with `gateway up`")
    try:
        venue = CcxtVenue(venue_settings(config, account), SystemClock(), SystemRandomness())
    except GatewayError as error:
        return Finding(what, "failed", f"{error.code}: {error}")
    try:
        return await _ask(venue, what, timeout)
    finally:
        await venue.close()


async def _ask(venue: CcxtVenue, what: str, timeout: float) -> Finding:
    try:
        async with asyncio.timeout(timeout):
            await venue.open()
    except TimeoutError:
        text = f"venue_unreachable: its markets could not be loaded in {timeout:g} s"
        return Finding(what, "failed", text)
    answered: asyncio.Future[v.VenueAnswer] = asyncio.get_running_loop().create_future()
    venue.start(v.FetchBalances(), answered.set_result)
    answer = await answered
    if isinstance(answer, v.Balances):
        return Finding(what, "ok", f"{len(venue.markets)} markets; the key is accepted")
    if isinstance(answer, v.QueryFailed):
        return Finding(what, "failed", f"{answer.code}: {answer.text}")
    return Finding(what, "failed", f"unexpected answer {type(answer).__name__}")


def _show(findings: list[Finding]) -> None:
    made = table("checked", "result")
    made.add_column("", overflow="fold")
    for one in findings:
        made.add_row(one.what, Text(one.result, style=STYLES[one.result]), one.text)
    show(made)
