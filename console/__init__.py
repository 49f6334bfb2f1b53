"""The front end: the command line, and the console on the terminal."""
