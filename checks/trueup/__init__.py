"""Keeps an LLM-serving stack true to what it promises: static checks of a Git repository."""

__version__ = "0.1.0"
