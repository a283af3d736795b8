"""`gateway`: the command line."""

import click

from gateway.cli.command import shared_options
from gateway.cli.lazy import LazyGroup

COMMANDS = {
    "Begin": {
        "init": "Write a commented configuration.",
        "config": "Show the effective configuration, secrets hidden.",
        "check": "Try configuration, keys, venues and database, without trading.",
        "demo": "Start everything, trade on the paper venue, compare the books.",
        "keys": "Make CURVE keys for connections over tcp.",
        "completion": "Print what makes the shell complete commands.",
    },
    "Run": {
        "up": "Start the gateway's processes under supervisord.",
        "down": "Stop them.",
        "status": "What runs, and whether it is ready.",
        "logs": "Show or follow the processes' logs.",
        "restart": "Restart one process.",
        "run": "Run one process here, in the foreground.",
        "paper": "Run the paper venue.",
        "migrate": "Bring the database's schema up to date.",
        "maintain": "Look after the database now: months, retention.",
        "dump": "Back the database up, while everything runs.",
        "restore": "Fill an empty database from a dump.",
    },
    "Trade": {
        "place": "Place an order, and wait for its first state.",
        "amend": "Change an open order's quantity or price.",
        "cancel": "Cancel orders, and wait for their end.",
        "cancel-all": "Cancel all open orders of an account.",
        "refresh": "Ask the venue about an order now.",
    },
    "Look": {
        "order": "One order: its state and history, with causes and evidence.",
        "orders": "List orders.",
        "watch": "Follow orders live.",
        "transactions": "Fills and fees, also as CSV and Parquet.",
        "balances": "What the venue says that the accounts hold.",
    },
    "Operate": {
        "health": "What is wrong, and what to do.",
        "alarms": "What a person should see.",
        "acknowledge": "Say that an alarm has been dealt with.",
        "halt": "Refuse new orders until resume; cancels go on.",
        "resume": "Take new orders again.",
        "resolve": "End an order's doubt, on your word.",
        "decode": "Any frame or journal as JSON.",
    },
}


@click.group(
    cls=LazyGroup,
    package="gateway.cli.commands",
    sections=COMMANDS,
    params=shared_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="gateway")
def main() -> None:
    """An order gateway for exchange venues.

    Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration, 3 the outcome is not
    known, 4 no gateway is there.
    """


if __name__ == "__main__":
    main()
