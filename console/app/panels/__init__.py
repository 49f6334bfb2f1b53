"""The panels of the main screen: each takes a picture of the run, and shows a part of it."""
