"""Screens of the console: the main screen, pages and dialogs."""
