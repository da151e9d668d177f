"""What an application sees: scope, messages, errors and tasks, on both event loops."""
