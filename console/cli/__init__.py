"""Command line: commands and the batch job."""
