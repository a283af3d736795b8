"""What the paper venue beside a gateway is started with: the environment of `procs.paper`."""

from pathlib import Path

from gateway.config import Config, read_secrets

PAPER_KEY = "paper-"


def paper_environment(config: Config, root: Path) -> dict[str, str]:
    """`root` is the home's folder: the venue's own books survive there, as the gateway's do.

    Raises BadConfig for keys that can't be read.
    """
    named = {
        "GATEWAY_PAPER_PORT": str(config.paper.port),
        "GATEWAY_PAPER_STATE": str(root / "paper.state"),
        "GATEWAY_PAPER_LIQUIDITY": "true" if config.paper.liquidity else "false",
        "GATEWAY_PAPER_ACCOUNTS": ",".join(paper_accounts(config)),
    }
    return {name: value for name, value in named.items() if value}


def paper_accounts(config: Config) -> list[str]:
    """By the keys, which are `paper-NAME`."""
    keys = read_secrets(
        {
            f"accounts.{name}.key": account.key
            for name, account in config.accounts.items()
            if config.venues[account.venue].paper
        }
    )
    found = (key.removeprefix(PAPER_KEY) for key in keys.values() if key.startswith(PAPER_KEY))
    return list(dict.fromkeys(found))
