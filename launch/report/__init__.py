"""The whole study in one command and on one page."""
