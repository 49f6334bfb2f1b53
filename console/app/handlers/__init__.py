"""Handlers of actions on the screen, grouped by subject."""
