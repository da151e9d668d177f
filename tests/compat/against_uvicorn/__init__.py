"""The same observations of uvicorn 0.54 and of this server, and the differences between them.

`python -m tests.compat.against_uvicorn` runs them and prints every difference that `expected.txt`
does not explain by a decision, and every explained one that is no longer there.
"""
