"""The market engine: plays stored sessions, without a screen."""
