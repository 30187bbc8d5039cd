"""The contracts of a KV index, which knows the workers that hold a prompt's blocks, and of what selects among them."""
