"""What runs in a child interpreter: the standard library alone, and nothing of `trueup_contracts` but this folder."""
