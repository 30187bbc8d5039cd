"""The check of lock files: does each still hold what its manifest asks for, as far as the two files tell."""
