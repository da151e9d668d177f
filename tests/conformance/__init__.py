"""Test suites of others, run against a server process; they need what `make test` does not."""
