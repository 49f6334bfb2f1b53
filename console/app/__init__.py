"""The terminal console: screens, panels, widgets."""
