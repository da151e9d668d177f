"""Bytes in, bytes out: what a peer sees of the server, on real sockets."""
