"""Fault campaigns: programs that kill, starve and cut off a job at each of its system calls."""
