"""Code of users: classes loaded afresh, with their parameters, and failures of their calls."""
