"""The suite `event-subscriber`: every test of its requirements, for pytest to find in one module."""
