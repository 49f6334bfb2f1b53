"""The screens of the console: the main one, and what opens over it."""
