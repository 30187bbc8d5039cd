"""The check `versions`: places that name a version of the same thing must agree."""
