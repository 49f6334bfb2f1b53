"""Handlers: the screen's side of actions, grouped by subject."""
