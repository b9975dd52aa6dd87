"""The pages of the reference: every public name, from the files that export it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = {
    "hillopt": {
        "Hills and landscapes": "landscapes",
        "Optimizers": "optimizers",
        "Questions": "questions front_door",
        "Walks, verdicts and noise": "walk",
        "Climbs": "climbs lanes",
        "Sweeps and axes": "sweeps axes names",
        "Proofs": "proofs certificates",
        "Cycles and fates": "orbits fates",
        "Runs": "runs",
        "Boundaries": "boundaries",
        "Comparison": "comparison",
        "Pictures": "pictures",
        "Pages": "pages",
        "Numbers of one's own": "pytrees",
        "Theory": "theory",
    },
    "aecluster": {
        "Data": "data",
        "Blurs and corruptions": "blur corruptions",
        "Models": "models variational",
        "Losses": "losses",
        "Recipes": "recipes stopping",
        "Training": "training ensemble discriminator adversary",
        "Checkpoints": "checkpoints",
        "Clustering": "clustering",
        "Benchmark": "benchmark",
        "Deblurring": "deblurring",
        "Figures": "figures",
        "Pages": "pages",
        "Reports": "report",
    },
}
"""One page of the reference each, and the rooms whose public names stand on it."""
ALONE = {"hillopt": ("pictures",), "aecluster": ("benchmark", "clustering", "deblurring", "figures", "pages", "report")}
"""Rooms that are imported by their own names."""


def names_by_room(package: str) -> dict[str, list[str]]:
    """Every public name, sorted, by the room that it comes from: from the imports of the package, and of rooms met alone."""
    found: dict[str, list[str]] = {}
    for node in _statements(ROOT / package / "__init__.py"):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                room = alias.name if node.module == package else node.module.split(".")[1]
                found.setdefault(room, []).append(f"{package}.{alias.name}")
    for room in ALONE[package]:
        init = ROOT / package / room / "__init__.py"
        exported = [node.value for node in _statements(init) if isinstance(node, ast.Assign)] if init.is_file() else []
        names = [f"{package}.{room}.{name}" for value in exported for name in ast.literal_eval(value)]
        found.setdefault(room, []).extend(names or [f"{package}.{room}"])
    return {room: sorted(names) for room, names in found.items()}


def _statements(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text()).body


def reference(package: str) -> dict[str, str]:
    """The pages of a package's reference: address to text."""
    by_room = names_by_room(package)
    return {
        f"reference/{package}/{rooms.split()[0]}.md": "\n\n".join(
            [f"# {title}", *(f"::: {name}" for room in rooms.split() for name in by_room[room])]
        )
        for title, rooms in PAGES[package].items()
    }
