"""The repository under check, as data: tracked paths, bytes, symlinks; and Git behind one wrapper."""

from trueup.repo.git import Git
from trueup.repo.opening import empty_view, open_view
from trueup.repo.view import Entry, Origin, Unreadable, View

__all__ = ["Entry", "Git", "Origin", "Unreadable", "View", "empty_view", "open_view"]
