"""Layout handlers: choose a named layout, save the present one, remove one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tapedeck.console.app.context import AppContext
from tapedeck.console.app.layout import BUILT_IN, Arrangement, Layout
from tapedeck.console.app.screens.choice import ChoiceScreen
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.ui_state import KeptChart, KeptLayout
from tapedeck.engine.errors import EngineError, did_you_mean, listed, nearest

_LONGEST_NAME: Final = 24
_SAVE: Final = "save_layout"
_REMOVE: Final = "remove_layout"
_OF_BUILT_IN: Final = {
    "chart": "the chart is largest",
    "watch": "the table of symbols is large",
    "data": "quality, metrics, events and log",
}


class LayoutHandlers:
    """Named layouts: those that every user has, and the user's own, by name in `saved`."""

    def __init__(self, app: AppContext, saved: Mapping[str, KeptLayout]) -> None:
        self._app = app
        self.saved = dict(saved)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all layouts."""
        return (*BUILT_IN, *self.saved)

    def choose(self, name: str) -> None:
        """Show a layout by its name. Raises EngineError if there is none."""
        name = name.strip()
        main = self._app.main
        if name in BUILT_IN:
            layout = replace(BUILT_IN[name], parts=main.panel_layout.parts)
        elif name in self.saved:
            saved = self.saved[name]
            layout = restored(saved, main.panel_layout)
            main.charts.restore(saved.charts, self._app.playback.intervals, main.shown_symbols, main.symbol)
        else:
            raise self._unknown(name, self.names)
        main.apply_layout(layout)

    async def ask(self, _argument: str) -> None:
        """Offer the layouts, and to save the present one or to remove one."""
        choices = {f"={name}": f"{name}  {_OF_BUILT_IN.get(name, '')}".strip() for name in self.names}
        choices[_SAVE] = "save this layout under a name …"
        if self.saved:
            choices[_REMOVE] = "remove a layout …"

        async def chosen(word: str | None) -> None:
            if word in (_SAVE, _REMOVE):
                await self._app.do(word)
            elif word is not None:
                await self._app.do("layout", word.removeprefix("="))

        await self._app.open(ChoiceScreen("Layout", choices), chosen)

    def save(self, name: str) -> None:
        """Save the present layout under a name; an earlier one of that name is replaced."""
        name = _valid_name(name)
        main = self._app.main
        self.saved[name] = kept(main.panel_layout, main.charts.kept())
        self._app.notify(f"layout saved: {name}", timeout=3)

    async def ask_save(self, _argument: str) -> None:
        """Prompt for the name of the present layout, and save it."""

        async def chosen(name: str | None) -> None:
            if name:
                await self._app.do(_SAVE, name)

        await self._app.open(PromptScreen("Save this layout", "a name", self._meaning), chosen)

    def remove(self, name: str) -> None:
        """Remove a layout of the user's. Raises EngineError if there is none of that name."""
        name = name.strip()
        if name in BUILT_IN:
            raise EngineError(f"layout {name!r} is built in: it cannot be removed")
        if self.saved.pop(name, None) is None:
            raise self._unknown(name, tuple(self.saved))
        self._app.notify(f"layout removed: {name}", timeout=3)

    async def ask_remove(self, _argument: str) -> None:
        """Offer the user's layouts, and remove the one that is chosen."""
        if not self.saved:
            raise EngineError("no layout of your own to remove")

        async def chosen(word: str | None) -> None:
            if word is not None:
                await self._app.do(_REMOVE, word.removeprefix("="))

        choices = {f"={name}": name for name in self.saved}
        await self._app.open(ChoiceScreen("Remove a layout", choices), chosen)

    def _meaning(self, text: str) -> str:
        name = _valid_name(text)
        return f"replaces {name}" if name in self.saved else f"saves {name}"

    @staticmethod
    def _unknown(name: str, names: tuple[str, ...]) -> EngineError:
        hint = did_you_mean(nearest(name, names)) or (f" Use {listed(names)}." if names else "")
        return EngineError(f"unknown layout {name!r}.{hint}")


def kept(layout: Layout, charts: Sequence[KeptChart]) -> KeptLayout:
    """Return a layout as it is saved, with what its charts show."""
    return KeptLayout(
        layout.arrangement.value,
        layout.active,
        layout.front,
        tuple(sorted(layout.hidden)),
        layout.maximised,
        tuple(charts),
    )


def restored(saved: KeptLayout, present: Layout) -> Layout:
    """Return a saved layout for the run of the present one; panels that the run lacks are left out."""
    known = replace(present, has_second_chart=saved.has_second_chart).panel_ids()
    arrangements = {one.value: one for one in Arrangement}
    front = tuple(name for name in saved.front if name in known)
    active = saved.active if saved.active in known else next(iter(front), Layout().active)
    return Layout(
        active=active,
        front=front,
        hidden=frozenset(saved.hidden) - {active},
        maximised=saved.maximised,
        arrangement=arrangements.get(saved.arrangement, Arrangement.CHART),
        has_second_chart=saved.has_second_chart,
        parts=present.parts,
    )


def _valid_name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise EngineError("layout name missing")
    if name in BUILT_IN:
        raise EngineError(f"layout {name!r} is built in: use another name")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise EngineError(f"invalid layout name: use at most {_LONGEST_NAME} printable characters")
    return name
