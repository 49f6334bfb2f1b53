"""Market engine: plays stored sessions, without a screen."""
