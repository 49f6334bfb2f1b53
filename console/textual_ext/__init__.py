"""Everything that relies on private names of Textual."""
