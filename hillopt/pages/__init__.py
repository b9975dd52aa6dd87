"""Pages on which a sweep is explored."""

from hillopt.pages.page import Page, explore

__all__ = ["Page", "explore"]
