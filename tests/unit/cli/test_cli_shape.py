"""The command line as a whole: every command has help, examples that parse, and starts quickly."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli.command import Command
from gateway.cli.exits import Exit, NotReachable, OutcomeNotKnown, exit_of
from gateway.cli.main import COMMANDS, main
from gateway.client import NotSent
from gateway.domain.errors import BadConfig, BadInput, Code, GatewayError, TimedOut

NAMES = [name for section in COMMANDS.values() for name in section]
FOLDER = Path(__file__).parents[3] / "gateway" / "cli" / "commands"


def command_named(name: str) -> Command:
    found = main.get_command(click.Context(main), name)
    assert isinstance(found, Command)
    return found


def test_every_file_of_commands_is_on_the_list() -> None:
    files = {path.stem.replace("_", "-") for path in FOLDER.glob("*.py")} - {"--init--"}

    assert files == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_help_and_examples(name: str) -> None:
    said = CliRunner().invoke(main, [name, "--help"])

    assert said.exit_code == 0
    assert "Examples:\n  " in said.output
    assert command_named(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_a_commands_examples_are_right(name: str, tmp_path: Path) -> None:
    command = command_named(name)
    assert command.examples
    for example in command.examples:
        words = shlex.split(example.rpartition("| ")[2])
        group = main.make_context("gateway", words[1:])
        called, _, rest = main.resolve_command(group, group._protected_args + group.args)
        assert called == name, example
        command.make_context(name, rest, parent=group)


def printed_by(program: str) -> str:
    words = [sys.executable, "-c", program]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_help_needs_no_library_of_venues_sockets_or_databases() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from gateway.cli.main import main;"
        "CliRunner().invoke(main, ['--help']);"
        "print([m for m in ('ccxt', 'zmq', 'psycopg', 'pydantic', 'rich') if m in sys.modules])"
    )

    assert printed_by(program) == "[]"


@pytest.mark.parametrize("name", ["orders", "place", "config", "status", "decode", "watch"])
def test_what_is_used_often_does_not_load_ccxt(name: str) -> None:
    program = (
        "import sys, importlib;"
        f"importlib.import_module('gateway.cli.commands.{name}'); print('ccxt' in sys.modules)"
    )

    assert printed_by(program) == "False"


def test_a_misspelt_command_gets_a_suggestion() -> None:
    said = CliRunner().invoke(main, ["ordrs"])

    assert said.exit_code == Exit.USAGE
    assert "there is no command ordrs; did you mean order" in said.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadConfig("x"), Exit.USAGE),
        (NotReachable("x"), Exit.UNREACHABLE),
        (TimedOut("x"), Exit.UNKNOWN),
        (OutcomeNotKnown("x"), Exit.UNKNOWN),
        (OutcomeNotKnown("x", Code.UNKNOWN_ORDER), Exit.UNKNOWN),
        (GatewayError("x", Code.TIMED_OUT), Exit.UNKNOWN),
        (BadInput("x"), Exit.FAILED),
        (NotSent("x"), Exit.FAILED),
        (GatewayError("x", Code.HALTED), Exit.FAILED),
    ],
)
def test_an_exit_code_says_what_a_script_may_do(error: GatewayError, code: Exit) -> None:
    assert exit_of(error) is code


@pytest.mark.parametrize(
    "arguments",
    [
        ["orders"],
        ["health"],
        ["place", "main", "BTC/USDT", "buy", "1", "--price", "2"],
        ["status"],
        ["down"],
        ["restart", "listener"],
        ["halt", "main"],
    ],
)
def test_without_a_gateway_nothing_is_done_and_one_line_says_so(
    arguments: list[str], tmp_path: Path
) -> None:
    said = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), *arguments])

    assert said.exit_code == Exit.UNREACHABLE
    assert said.stdout == ""
    assert said.stderr.startswith("gateway: not_ready: no ")
    assert said.stderr.count("\n") == 1
    assert "`gateway up`" in said.stderr


def test_a_machine_gets_errors_as_json(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["--home", str(tmp_path), "orders", "--json"])

    assert json.loads(said.stderr)["error"]["code"] == "not_ready"


@pytest.mark.parametrize(
    "arguments",
    [
        ["place", "main", "BTC/USDT", "buy", "1"],
        ["place", "main", "BTC/USDT", "buy", "1", "--market", "--price", "2"],
        ["place", "main", "BTC/USDT", "hold", "1", "--price", "2"],
        ["place", "main", "BTC/USDT", "buy", "1", "--price", "2", "--order-id", "7"],
        ["amend", "0123456789ab"],
        ["cancel"],
        ["cancel-all", "main", "--owner", "desk", "--external"],
        ["halt"],
        ["halt", "main", "--all"],
        ["resolve", "0123456789ab", "--as", "filled", "--reason", "x"],
        ["transactions", "--acknowledge"],
        ["transactions", "--consumer", "a", "--from", "3"],
        ["restart", "nothing"],
    ],
)
def test_wrong_usage_is_refused_before_anything_is_asked(
    arguments: list[str], tmp_path: Path
) -> None:
    said = CliRunner().invoke(main, ["--home", str(tmp_path), *arguments])

    assert said.exit_code == Exit.USAGE
    assert said.stdout == ""


def test_the_option_nearest_to_the_end_wins_and_the_environment_loses(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.toml").write_text(f'[venues.{name}]\nexchange = "okx"\n')
    environment = {"GATEWAY_CONFIG": str(tmp_path / "c.toml")}

    def source(*arguments: str) -> str:
        said = CliRunner().invoke(main, list(arguments), env=environment)
        return said.stderr.split(": ")[2]

    first, second = str(tmp_path / "a.toml"), str(tmp_path / "b.toml")
    assert source("config") == environment["GATEWAY_CONFIG"]
    assert source("--config", first, "config") == first
    assert source("config", "--config", second) == second
    assert source("--config", first, "config", "--config", second) == second


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str) -> None:
    said = CliRunner().invoke(main, ["completion", shell])

    assert said.exit_code == 0
    assert "_GATEWAY_COMPLETE" in said.output


def completed(*words: str, home: Path) -> list[str]:
    """What the shell offers for the last of the words."""
    environment = {
        **os.environ,
        "_GATEWAY_COMPLETE": "bash_complete",
        "COMP_WORDS": shlex.join(["gateway", *words]),
        "COMP_CWORD": str(len(words)),
    }
    program = (
        "import sys; from gateway.cli.main import main\n"
        "try: main(prog_name='gateway')\n"
        "finally: print('ccxt' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.strip() == "False", "it should be there before one notices"
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_the_shell_completes_names_options_choices_and_accounts(tmp_path: Path) -> None:
    text = '[venues.okx]\nexchange = "okx"\n[accounts.desk]\nvenue = "okx"\nkey = { env = "KEY" }\n'
    (tmp_path / "gateway.toml").write_text(text)

    assert completed("re", home=tmp_path) == ["restart", "restore", "refresh", "resume", "resolve"]
    assert completed("orders", "--sta", home=tmp_path) == ["--status"]
    assert completed("restart", "l", home=tmp_path) == ["listener"]
    assert completed("place", "d", home=tmp_path) == ["desk"]
