"""WebSocket as frameworks lean on it, and as clients of other makers speak it with this server."""
