"""`tapedeck validate`: reads an export back, and reports its faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.failures import DONE, FAILED
from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import JsonOption, examples, one_line_path

if TYPE_CHECKING:
    from tapedeck.engine.export.validation import ValidationReport

EPILOG: Final = examples("tapedeck validate out", "tapedeck validate out --json")


def validate(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of an export.", callback=one_line_path)
    ],
    as_json: JsonOption = False,
) -> None:
    """Check an export: order, hours, early closes, counts, and derived bars against their base.

    An export whose writer was killed is completed first. Exit code 1 if there are faults, 2 if the folder
    has no export.
    """
    invocation = begin(context, as_json=as_json)
    from tapedeck.engine.export.validation import validate_export  # noqa: PLC0415 - slow, see this package's __init__.py

    report = validate_export(folder)
    terminal = invocation.terminal
    if as_json:
        terminal.write_json(_document(report))
    else:
        for finding in report.findings:
            terminal.write(str(finding))
        terminal.write(_verdict(report))
    raise typer.Exit(DONE if report.ok else FAILED)


def _document(report: ValidationReport) -> dict[str, object]:
    return {
        "folder": str(report.folder),
        "ok": report.ok,
        "status": report.status,
        "stamp": report.stamp,
        "sessions": report.sessions,
        "rows": report.rows,
        "findings": [
            {"file": finding.file, "line": finding.line, "message": finding.message}
            for finding in report.findings
        ],
    }


def _verdict(report: ValidationReport) -> str:
    extent = f"{report.status}, {_counted(report.sessions, 'session')}, {_counted(report.rows, 'row')}"
    found = "valid" if report.ok else _counted(len(report.findings), "finding")
    return f"{report.folder}: {found} ({extent})"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
