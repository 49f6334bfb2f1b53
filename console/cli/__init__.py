"""The command line and the batch job."""
