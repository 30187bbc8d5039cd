"""The check of global-router grids: configurations that several programs must read alike."""
