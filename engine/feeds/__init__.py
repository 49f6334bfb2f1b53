"""Live feeds: the protocol of a provider of bars, and what is recorded of it."""
