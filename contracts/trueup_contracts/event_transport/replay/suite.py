"""The suite `event-replay`: every test of its requirements, for pytest to find in one module."""
