"""Settings, and the user's folders."""
