"""What tests talk with: a server in a thread, and a raw socket client that forgives nothing."""
