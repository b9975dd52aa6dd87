"""What to say to a name that none has."""

import difflib
from collections.abc import Iterable


def hint(name: str, known: Iterable[str]) -> str:
    """The near miss, or where nothing is near all that there is to choose from."""
    choices = sorted(known)
    near = difflib.get_close_matches(name.lower(), choices, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(choices)}."
