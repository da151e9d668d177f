"""Real frameworks on this server, each in the ways in which it leans on ASGI."""
