"""Entry point of `python -m tapedeck` and of the `tapedeck` command."""

from __future__ import annotations

from tapedeck.console.cli.main import app


def main() -> None:
    """Run the command line, and leave with its exit code."""
    app(prog_name="tapedeck")


if __name__ == "__main__":
    main()
