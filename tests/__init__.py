"""The tests of rsgi, as one package so that they can share `tests.apps` and `tests.clients`."""
