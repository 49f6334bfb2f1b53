"""Condition on a session: parsed once, checked against its vocabulary, then evaluated on tapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from tapedeck.engine.conditions.account_values import account_figures
from tapedeck.engine.conditions.account_words import MONEY_WORDS, POSITION_WORDS, reads_any
from tapedeck.engine.conditions.evaluation import Evaluation
from tapedeck.engine.conditions.known_values import NO_FIGURES, KnownValues
from tapedeck.engine.conditions.needs import earlier_needs
from tapedeck.engine.conditions.reading import read_condition
from tapedeck.engine.conditions.syntax import Truth, references
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import ConditionError
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.tape import Tape, row_index


@dataclass(frozen=True, slots=True)
class Condition:
    """A statement that is true or false at each frontier of a tape.

    Bar fields and indicators are those of the symbol's last closed bar (of that interval), also during gaps.
    A historical value by minute is that of the minute of the symbol's last bar. Figures of the day are those
    of `DAY_FIGURES`. A missing value makes a comparison or cross false; so does a symbol that has not joined
    yet, or has left. `any` and `all` range over the symbols that are there, in one comparison or cross: in
    `any.volume > 3 * any.usual` both values are of the same symbol. A cross compares one slot before with the
    values held there, at a session's first bar with those of the end of the session before; `x[n]` counts
    bars back into earlier sessions. These come from the tape's `earlier`, which may read the store.

    `reads_account`: whether it reads the account of the strategies, known as far as they have walked. After
    that its words are missing.
    """

    text: str
    root: Truth
    reads_account: bool = False

    @classmethod
    def parse(cls, text: str, vocabulary: Vocabulary) -> Condition:
        """Parse and check a condition; ConditionError gives the fault's position and the nearest word."""
        root = read_condition(text, vocabulary.symbols)
        vocabulary.check(text, root)
        reads_account = vocabulary.account and reads_any(root, (*POSITION_WORDS, *MONEY_WORDS))
        return cls(" ".join(text.split()), root, reads_account)

    @classmethod
    def parse_waiting(
        cls, text: str, vocabulary: Vocabulary, joinable: Callable[[], Sequence[str]]
    ) -> Condition:
        """Parse a condition that may also name symbols that can join. Raises as `parse`.

        `joinable` returns these symbols; it is called only if the condition names others than the vocabulary.
        """
        try:
            return cls.parse(text, vocabulary)
        except ConditionError:
            symbols = tuple(dict.fromkeys((*vocabulary.symbols, *joinable())))
            with suppress(ConditionError):
                return cls.parse(text, replace(vocabulary, symbols=symbols))
            raise

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that it names, each once."""
        return tuple(dict.fromkeys(r.symbol for r in references(self.root) if r.symbol is not None))

    def holds(self, tape: Tape, start: int, stop: int) -> Mask:
        """Return whether it is true at the frontiers start … stop (inclusive), shape (stop − start + 1,).

        The tape's derived bars and indicators must be computed up to `stop`; its clock may be earlier. Raises
        StoreError if values of earlier sessions are needed and the store cannot be read.
        """
        figures = account_figures(tape, self.root) if self.reads_account else NO_FIGURES
        return Evaluation(KnownValues(tape, start, stop, figures), tape.symbols).truth(self.root)

    def becomes_true(self, tape: Tape, start: int, stop: int, *, armed_at: int = -1) -> Mask:
        """Return whether it becomes true at the frontiers start … stop, shape (stop − start + 1,).

        That is where it is true and was not one slot before. Each session starts without the one before: a
        condition that is true at the open becomes true there. `armed_at`: the last frontier that is not
        looked at; at the next one it becomes true even if it was true before. `start` is after `armed_at`.
        A symbol that joined counts as if it had been there from the open, also one slot before.
        """
        before = start - 1 > armed_at
        holds = self.holds(tape, start - before, stop)
        rises = holds.copy()
        rises[1:] &= ~holds[:-1]
        return rises[1:] if before else rises

    def earlier_needs(self, symbols: Sequence[str]) -> frozenset[EarlierNeed]:
        """Return what it reads of the sessions before the one it is evaluated on.

        `symbols`: those of the tape's rows; of others it reads nothing. Empty without crosses and bars back.
        """
        return frozenset(earlier_needs(self.root, row_index(symbols)))


NumberedConditions = tuple[tuple[int, Condition], ...]
"""Conditions of breakpoints with their numbers."""
