"""Scanner classes, as users write them: base class, parameters, and what a scan returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel

from tapedeck.engine.universe.view import UniverseView
from tapedeck.engine.user_code.class_parameters import NoParameters


@dataclass(frozen=True, slots=True)
class Found:
    """A symbol that a scan found, with the values to report of it, by name."""

    symbol: str
    values: Mapping[str, float] = field(default_factory=dict)


class Scanner:
    """Base class of scanners. The instance lives for one run; its methods run one at a time, in one thread.

    A class with parameters has a class `Parameters` of its own, a pydantic model; `self.parameters` is an
    instance of it, made of the `parameters` in the session file. Each call has to end within the scanner's
    `timeout_seconds`. The views are read-only, and end at the session's clock.
    """

    Parameters: ClassVar[type[BaseModel]] = NoParameters

    def __init__(self, parameters: BaseModel) -> None:
        """Keep the parameters. Override `setup`, not this."""
        self.parameters: Any = parameters

    def setup(self, view: UniverseView) -> None:
        """Prepare for a session, before its first slot. If it raises, the scanner is off for the session."""

    def scan(self, view: UniverseView) -> Iterable[str | Found]:
        """Return what is found at this moment, in rank order: symbols of the universe, or `Found`s.

        A symbol that is returned twice keeps its first rank.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method scan(self, view)")

    def on_session_end(self) -> None:
        """Finish a session, after its last slot."""

    def teardown(self) -> None:
        """Release what the scanner holds, at the end of the run."""
