"""The commands: `python -m launch.<name>`."""
