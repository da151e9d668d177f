"""Tests of one Python module each, named after it; the core is a stand-in where it is needed."""
