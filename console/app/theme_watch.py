"""The user's own themes, taken again whenever their files change while the console runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from textual.app import App
from textual.theme import Theme

from tapedeck.console.app.theming import ThemeFailure, ThemesLoaded, load_themes, own_theme_files

LOOK_S: Final = 0.5
"""How often the files are looked at. A change counts once it is seen twice, when its editor has finished."""
_TOLD_FOR_S: Final = 10


class ThemeWatch:
    """The themes to choose from: tapedeck's, and those in `config_folder/themes`."""

    def __init__(self, app: App[None], config_folder: Path | None) -> None:
        self._app = app
        self._folder = config_folder
        self._loaded = load_themes(config_folder)
        self._seen = self._loaded.files

    @property
    def names(self) -> tuple[str, ...]:
        """The themes to choose from; a deleted one is not among them, even while it is in use."""
        return tuple(theme.name for theme in self._loaded.themes)

    def start(self) -> None:
        """Give the app its themes, tell which files are none, and look after the files from now on."""
        self._register(self._loaded.themes)
        self._notify(self._loaded.failures)
        self._app.set_interval(LOOK_S, self.update)

    def update(self) -> None:
        """Take the files anew if they have changed; while they do not, this is a `stat` for each."""
        files, before = own_theme_files(self._folder), self._seen
        self._seen = files
        if files == before and files != self._loaded.files:
            self._take(load_themes(self._folder, self._loaded))

    def _take(self, loaded: ThemesLoaded) -> None:
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
                # Its name stays, so that setting it would do nothing.
                self._app.mutate_reactive(App.theme)

    def _notify(self, failures: Iterable[ThemeFailure]) -> None:
        text = "\n".join(str(failure) for failure in failures)
        if text:
            self._app.notify(text, title="Themes", severity="warning", timeout=_TOLD_FOR_S, markup=False)
