"""Tests of real server processes: what they print, what signals do, how they exit."""
