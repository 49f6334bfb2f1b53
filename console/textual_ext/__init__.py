"""Extensions of Textual that use its private names."""
