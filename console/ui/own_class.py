"""Classes that matter to one widget alone."""

from __future__ import annotations

from textual.widget import Widget


def set_own_class(widget: Widget, name: str, *, is_set: bool) -> None:
    """Set a class on which only the widget's own styles depend, its border for one; take it away otherwise.

    Textual looks up the styles of everything in the widget again, which takes some milliseconds for a panel.
    """
    if widget.has_class(name) != is_set:
        widget.set_class(is_set, name, update=False)
        widget.app.stylesheet.update_nodes([widget])
