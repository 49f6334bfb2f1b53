"""Protocol of an importer: the options of its command, and the files that it finds and reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tapedeck.engine.importers.report import SkippedFile
from tapedeck.engine.intervals import Interval

if TYPE_CHECKING:
    from tapedeck.engine.importers.file_rows import FileRows  # imports numpy, which help texts do without

OptionKind = Literal["text", "interval", "choice", "pairs"]


@dataclass(frozen=True, slots=True)
class ImporterOption:
    """An option of an importer's command.

    Its value is passed to `Importer.find` as keyword `parameter`, by kind: text as str, an interval as
    Interval, a choice as one of `choices`, pairs (`ROLE=NAME`, given any number of times) as a dict of str.
    A required option has no default; that of pairs is an empty dict.
    """

    flag: str
    parameter: str
    help: str
    metavar: str
    kind: OptionKind = "text"
    default: str | None = None
    is_required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    """Claims of the user's options, which the rows are checked against.

    `label`: the end of the bar that the times name; `exchange`: code or group of the exchange. None where
    the user left it open.
    """

    interval: Interval
    label: Literal["open", "close"] | None = None
    exchange: str | None = None


@dataclass(frozen=True, slots=True)
class BarFiles:
    """The files of an import, how one of them is read, and the files that are skipped.

    `read` yields the rows of a file, in parts, or raises UnreadableFileError or UnclearFileError. With
    `evidence`, the rows are checked against it, and either all files are stored or none.
    """

    files: Sequence[Path]
    read: Callable[[Path], Iterator[FileRows]]
    skipped: Sequence[SkippedFile] = ()
    evidence: EvidenceRules | None = None


class Importer(Protocol):
    """One kind of files with bars. Its command is `tapedeck import NAME PATH`, made from these attributes.

    Help texts are shown without numpy, pandas or pyarrow: import them, and modules that need them, in `find`.
    """

    @property
    def name(self) -> str:
        """Name of the command, and of the importer in the registry."""

    @property
    def summary(self) -> str:
        """Help of the command, in a sentence."""

    @property
    def examples(self) -> Sequence[str]:
        """Commands to try."""

    @property
    def options(self) -> Sequence[ImporterOption]:
        """Options of the command, beside those of every import."""

    def find(self, path: Path, *args: Any, **kwargs: Any) -> BarFiles:  # noqa: ANN401  # its own options
        """Return the files in `path`, a file or a folder; keywords are the values of `options`.

        Raises BarImportError where there are none, or where a value cannot be used.
        """
