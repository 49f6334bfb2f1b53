"""The application's group of commands: makes the invocation, and tells errors the same way for all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from typer.core import TyperGroup

from tapedeck.console.cli.invocation import Invocation, errors_told

_JSON_KEY: Final = "tapedeck.as_json"


class CommandGroup(TyperGroup):
    """Runs a command, and turns what it raises into text, or a JSON document, and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # typer's own context
        """Note whether JSON was asked for: an error may come before the command is reached."""
        ctx.meta[_JSON_KEY] = _wants_json(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # as above
        """Run the command."""
        ctx.obj = Invocation(ctx.params, as_json=ctx.meta[_JSON_KEY])
        with errors_told(ctx.obj):
            return super().invoke(ctx)


def _wants_json(args: Sequence[str]) -> bool:
    return not {"--json", "--format=json"}.isdisjoint(args) or ("--format", "json") in pairwise(args)
