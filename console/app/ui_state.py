"""UI state kept between runs: a JSON file in the state folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from tapedeck.console.app.state_file import read_state, set_aside, write_state
from tapedeck.engine.errors import cause_of

FILE_NAME: Final = "console.json"
_SESSIONS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class KeptChart:
    """A chart as it is saved. `pinned`: the symbol that it keeps, "" if none; `lines`: as chosen."""

    interval: str = ""
    pinned: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptLayout:
    """A layout as it is saved: how panels are arranged, the active one, those in front, those hidden.

    `charts`: those that are open, none for a single one that is not pinned.
    """

    arrangement: str = ""
    active: str = ""
    front: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    maximised: bool = False
    charts: tuple[KeptChart, ...] = ()

    @property
    def has_second_chart(self) -> bool:
        """Whether the second chart is open."""
        return len(self.charts) > 1


@dataclass(frozen=True, slots=True)
class UiState:
    """Theme, layout, sort order, focused symbol, changed keys (action id → keys), chosen columns and lines.

    `columns`: session name → columns of the symbol table, the session saved last at the end. `lines`,
    `second_lines`: likewise the indicators on the chart, and on the second one. `layout`: that of the last
    run; `layouts`: the user's own, by name.
    """

    theme: str = ""
    hidden: tuple[str, ...] = ()
    panel: str = ""
    sort: str = ""
    descending: bool = False
    symbol: str = ""
    interval: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    second_lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    layout: KeptLayout = KeptLayout()
    layouts: dict[str, KeptLayout] = field(default_factory=dict)

    def with_columns(self, session: str, chosen: tuple[str, ...]) -> UiState:
        """Return the state with the columns of a session, none for the default; old sessions are dropped."""
        return replace(self, columns=_with_choice(self.columns, session, chosen))

    def with_lines(self, session: str, chosen: tuple[str, ...], second: tuple[str, ...]) -> UiState:
        """Return the state with the indicators on the charts of a session, as `with_columns` does."""
        return replace(
            self,
            lines=_with_choice(self.lines, session, chosen),
            second_lines=_with_choice(self.second_lines, session, second),
        )


def load_ui_state(folder: Path) -> tuple[UiState, str | None]:
    """Return the saved state; an unusable file is set aside, with a notice, and the defaults are used."""
    path = folder / FILE_NAME
    found, reason = read_state(path, _read)
    return found or UiState(), set_aside(path, reason, "using the defaults") if reason else None


def save_ui_state(folder: Path, ui_state: UiState) -> str | None:
    """Write the state as a whole; return a notice if that fails."""
    path = folder / FILE_NAME
    try:
        write_state(path, asdict(ui_state))
    except OSError as error:
        return f"{path} cannot be written ({cause_of(error)}): layout and theme are not saved."
    return None


def _read(document: object) -> UiState:
    if not isinstance(document, dict):
        raise TypeError(f"expected a mapping, found {type(document).__name__}")
    known = UiState()
    texts = {name: _text(document, name) for name in ("theme", "panel", "sort", "symbol", "interval")}
    hidden, keys = document.get("hidden", ()), document.get("keys", known.keys)
    if not isinstance(hidden, list | tuple) or not all(isinstance(name, str) for name in hidden):
        raise TypeError("hidden must be a list of panels")
    if not isinstance(keys, dict) or not all(isinstance(word, str) for pair in keys.items() for word in pair):
        raise TypeError("keys must be a mapping of actions to keys")
    return UiState(
        **texts,
        hidden=tuple(hidden),
        descending=document.get("descending") is True,
        keys=keys,
        columns=_choices(document, "columns"),
        lines=_choices(document, "lines"),
        second_lines=_choices(document, "second_lines"),
        layout=_layout(document.get("layout", {})),
        layouts=_layouts(document.get("layouts", {})),
    )


def _layouts(found: object) -> dict[str, KeptLayout]:
    if not isinstance(found, dict):
        raise TypeError("layouts must be a mapping of names to layouts")
    return {str(name): _layout(layout) for name, layout in found.items()}


def _layout(found: object) -> KeptLayout:
    if not isinstance(found, dict):
        raise TypeError("a layout must be a mapping")
    lists = [found.get(name, ()) for name in ("front", "hidden")]
    if not all(isinstance(names, list | tuple) for names in lists):
        raise TypeError("front and hidden must be lists of panels")
    if not all(isinstance(name, str) for names in lists for name in names):
        raise TypeError("front and hidden must be names of panels")
    front, hidden = (tuple(names) for names in lists)
    return KeptLayout(
        _text(found, "arrangement"),
        _text(found, "active"),
        front,
        hidden,
        found.get("maximised") is True,
        _charts(found.get("charts", ())),
    )


def _charts(found: object) -> tuple[KeptChart, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(chart, dict) for chart in found):
        raise TypeError("charts must be a list of mappings")
    return tuple(
        KeptChart(_text(chart, "interval"), _text(chart, "pinned"), _names(chart.get("lines", ())))
        for chart in found
    )


def _names(found: object) -> tuple[str, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(name, str) for name in found):
        raise TypeError("lines must be a list of names")
    return tuple(found)


def _with_choice(
    choices: dict[str, tuple[str, ...]], session: str, chosen: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    kept = {name: keys for name, keys in choices.items() if name != session}
    if chosen:
        kept[session] = chosen
    return dict(list(kept.items())[-_SESSIONS_KEPT:])


def _choices(document: dict[str, object], name: str) -> dict[str, tuple[str, ...]]:
    found = document.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(keys, list) for keys in found.values()):
        raise TypeError(f"{name} must be a mapping of session names to lists of {name}")
    if not all(isinstance(key, str) for keys in found.values() for key in keys):
        raise TypeError(f"{name} must be names")
    return {str(session): tuple(keys) for session, keys in found.items()}


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {value!r}")
    return value
