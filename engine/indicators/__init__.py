"""Session and historical indicators over grids."""
