"""Clock and calendar: current time, trading sessions, slots, pace."""
