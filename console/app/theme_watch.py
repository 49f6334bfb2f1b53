"""Theme watch: reloads the user's themes when their files change during a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from textual.app import App
from textual.theme import Theme

from tapedeck.console.app.theming import ThemeFailure, ThemesLoaded, load_themes, own_theme_files

CHECK_S: Final = 0.5
"""Seconds between two checks of the files. A change takes effect once two checks agree: writing is over."""
_TOAST_S: Final = 10


class ThemeWatch:
    """Registers tapedeck's themes and those in `config_folder/themes`, and reloads the latter."""

    def __init__(self, app: App[None], config_folder: Path | None) -> None:
        self._app = app
        self._folder = config_folder
        self._loaded = load_themes(config_folder)
        self._last_check = self._loaded.files

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the selectable themes; a deleted one is not among them, even while in use."""
        return tuple(theme.name for theme in self._loaded.themes)

    def start(self) -> None:
        """Register the themes, report invalid files, and start checking for changes."""
        self._register(self._loaded.themes)
        self._notify(self._loaded.failures)
        self._app.set_interval(CHECK_S, self.update)

    def update(self) -> None:
        """Reload the files if they have changed; otherwise this costs one `stat` per file."""
        files, before = own_theme_files(self._folder), self._last_check
        self._last_check = files
        if files == before and files != self._loaded.files:
            self._apply(load_themes(self._folder, self._loaded))

    def _apply(self, loaded: ThemesLoaded) -> None:
        written = {name for name, _ in set(loaded.files) - set(self._loaded.files)}
        self._loaded = loaded
        self._register(loaded.themes)
        self._notify(failure for failure in loaded.failures if Path(failure.source).name in written)

    def _register(self, themes: Iterable[Theme]) -> None:
        for theme in themes:
            if self._app.get_theme(theme.name) == theme:
                continue
            self._app.register_theme(theme)
            if theme.name == self._app.theme:
                # The name is the same, so that setting it would have no effect.
                self._app.mutate_reactive(App.theme)

    def _notify(self, failures: Iterable[ThemeFailure]) -> None:
        text = "\n".join(str(failure) for failure in failures)
        if text:
            self._app.notify(text, title="Themes", severity="warning", timeout=_TOAST_S, markup=False)
