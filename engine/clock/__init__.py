"""The clock and the calendar: what time it is, when an exchange trades, how fast a session is played."""
