"""Panels of the main screen: each shows a part of the view state."""
