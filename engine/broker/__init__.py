"""Paper broker: orders, fills, money and positions of one account."""
