"""What the actions do, grouped by what they act on."""
