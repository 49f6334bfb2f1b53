"""`python -m console`, and the `tapedeck` command."""

from __future__ import annotations

from console.cli import app


def main() -> None:
    """Run the command line, and leave with its exit code."""
    app(prog_name="tapedeck")


if __name__ == "__main__":
    main()
