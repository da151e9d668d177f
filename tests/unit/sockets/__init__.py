"""Tests of rsgi_bridge.sockets: real sockets, real files."""
