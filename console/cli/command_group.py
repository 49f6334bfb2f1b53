"""Command group of the application: creates the invocation, and reports errors of all commands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from typer.core import TyperGroup

from tapedeck.console.cli.invocation import Invocation, errors_reported

_JSON_KEY: Final = "tapedeck.as_json"
_ARGUMENTS_KEY: Final = "tapedeck.arguments"


class CommandGroup(TyperGroup):
    """Runs a command, and converts its errors to text or a JSON document, and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # typer's own context
        """Record the arguments, and whether the output is JSON, as an error may precede the command."""
        ctx.meta[_JSON_KEY] = _has_json_option(args)
        ctx.meta[_ARGUMENTS_KEY] = tuple(args)
        early = Invocation({}, as_json=ctx.meta[_JSON_KEY], arguments=ctx.meta[_ARGUMENTS_KEY])
        with errors_reported(early):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # as above
        """Run the command."""
        ctx.obj = Invocation(ctx.params, as_json=ctx.meta[_JSON_KEY], arguments=ctx.meta[_ARGUMENTS_KEY])
        with errors_reported(ctx.obj):
            return super().invoke(ctx)


def _has_json_option(args: Sequence[str]) -> bool:
    return not {"--json", "--format=json"}.isdisjoint(args) or ("--format", "json") in pairwise(args)
