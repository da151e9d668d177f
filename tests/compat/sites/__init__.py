"""Applications of the frameworks, as their users write them; served in a thread or by name."""
