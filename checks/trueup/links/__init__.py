"""Links, fragments and symlinks of a Git repository, resolved as GitHub resolves them."""
