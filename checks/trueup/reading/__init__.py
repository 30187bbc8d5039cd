"""Readers of formats that more than one check needs; each keeps the place of what it reads."""
