"""Strategies: rules that decide on a tape, slot by slot, and give orders to the paper broker."""
