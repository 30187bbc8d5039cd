"""The suite `event-publisher`: every test of its requirements, for pytest to find in one module."""
