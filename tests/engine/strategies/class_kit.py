"""Walks of strategy classes over small sessions, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.intervals import Interval
from tapedeck.engine.strategies.definition import ClassDefinition
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape

IMPORTS = "import numpy as np\nfrom tapedeck import Strategy\n\n"


def written(folder: Path, body: str, name: str = "mine.py") -> None:
    """Write a file with a class `Mine` of the given body, which has a list `seen`."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (folder / name).write_text(f"{IMPORTS}class Mine(Strategy):\n    seen = []\n{lines}\n", encoding="utf-8")


class ClassWalk:
    """A walk of one class, `Mine`, which the file `mine.py` has."""

    def __init__(self, folder: Path, body: str, *tapes: Tape, **more: Any) -> None:
        written(folder, body)
        terms = more.pop("terms", AccountTerms(participation_pct=None))
        interval = more.pop("interval", None)
        definition = ClassDefinition(
            "one", "mine.py:Mine", interval=None if interval is None else Interval.parse(interval), **more
        )
        self.tapes = tapes
        self.walk = StrategyWalk([definition], terms, Vocabulary.of(tapes[0]), folder=folder)

    @property
    def seen(self) -> list[Any]:
        """What the class put into its list `seen`."""
        made: Any = self.walk._strategies[0]
        found: list[Any] = made._loaded.strategy.seen
        return found

    @property
    def orders(self) -> list[tuple[int, str, str]]:
        """Slot, state and its reason of the orders of the last session."""
        return [(one.slot, one.state.value, one.state_reason) for one in self.walk.broker.session_orders]

    def play(self, cuts: Sequence[int] = ()) -> ClassWalk:
        """Walk all sessions, each in blocks that end at the cuts."""
        for tape in self.tapes:
            self.walk.begin_session(tape)
            for stop in sorted({*(cut for cut in cuts if cut < len(tape)), len(tape)}):
                self.walk.advance(tape, self.walk.walked, stop)
            self.walk.end_session()
        return self
