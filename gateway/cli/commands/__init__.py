"""One command, one file: each defines `command`. `gateway.cli.main` lists them."""
