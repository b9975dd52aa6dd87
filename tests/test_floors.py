"""The shape of the tree: who may import whom, and what an import may cost."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The house, the ground floor first. A file imports from its own room and from lower floors; rooms on one floor are strangers.
FLOORS = {
    "hillopt": """
        theory | names | pytrees | jaxprs | loops | axes | certificates
        landscapes | optimizers | lanes | cheaper_steps | lowerable
        front_door | kernels
        walk
        proofs
        climbs | exact | orbits | runs
        questions | fates
        sweeps
        comparison | boundaries
        pictures
        pages
    """,
    "aecluster": """
        arguments | places | muon
        names | images | fingerprints
        stopping | data | corruptions | metrics | models
        blur | losses | ensemble
        discriminator | adversary | variational
        recipes | checkpoints
        training
        clustering | figures
        deblurring | report | benchmark | pages
    """,
}

# public, but imported by name, since a heavy guest comes with them
LATE = {
    "hillopt": {"pictures"},
    "aecluster": {"benchmark", "clustering", "deblurring", "figures", "pages", "report"},
}


def imports(path):
    """Every module that a file imports; of a package's top level, what it takes from there."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module in FLOORS:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def floors(package):
    return [[room.strip() for room in floor.split("|")] for floor in FLOORS[package].split("\n") if floor.strip()]


def room_of(module):
    """The floor and the room that a module stands in, or None."""
    package, *rest = module.split(".")
    places = [
        (level, name) for level, rooms in enumerate(floors(package)) for name in rooms if rest and name == rest[0]
    ]
    return places[0] if places else None


EXAMPLES = "examples"
MODULES = sorted(
    path
    for package in FLOORS
    for path in (ROOT / package).rglob("*.py")
    if path != ROOT / package / "__init__.py" and path.parent.name != EXAMPLES
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_its_own_room_and_from_lower_floors(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    here, package = room_of(module), module.partition(".")[0]
    assert here is not None, f"{module} stands on no floor"
    strangers = ("launch", *(other for other in FLOORS if other != package))
    for imported in imports(path):
        assert not imported.startswith(strangers)
        if imported.startswith(package):
            there = room_of(imported)
            assert there is not None, f"{module} imports {imported}, which stands on no floor"
            assert there == here or there[0] < here[0], f"{module} reaches to {imported}"


def names_taken(path):
    """What a file takes from the packages: `from aecluster import figures` and `ae.Dense` alike, as (package, name)."""
    tree, aliases = ast.parse(path.read_text()), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package, _, rest = alias.name.partition(".")
                if package in FLOORS and not rest:
                    aliases[alias.asname or package] = package
                elif package in FLOORS:
                    yield package, rest
        elif isinstance(node, ast.ImportFrom) and node.module:
            package, _, rest = node.module.partition(".")
            if package in FLOORS:
                yield from ((package, f"{rest}.{alias.name}".lstrip(".")) for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield aliases[node.value.id], node.attr


USERS = sorted([*(ROOT / "launch").rglob("*.py"), *ROOT.glob(f"*/{EXAMPLES}/*.py")])


@pytest.mark.parametrize("path", USERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_examples_use_public_names_alone(path):
    public = {package: {*importlib.import_module(package).__all__, *LATE[package]} for package in FLOORS}
    assert [(package, name) for package, name in names_taken(path) if name not in public[package]] == []


def test_commands_are_seen_to_use_both_packages():
    taken = {package for path in USERS for package, _ in names_taken(path)}
    assert taken == set(FLOORS)


@pytest.mark.parametrize(
    ("package", "guests"),
    [
        ("hillopt", {"matplotlib", "xarray", "zarr", "scipy.ndimage", "absl.app", "jax.experimental.pallas"}),
        (
            "aecluster",
            {"matplotlib", "sklearn", "skimage", "orbax", "tensorflow_datasets", "umap", "openTSNE", "absl.app"},
        ),
    ],
)
def test_importing_the_library_loads_no_heavy_guest_and_changes_no_configuration(package, guests):
    program = (
        f"import sys, jax; before = jax.config.jax_enable_x64; import {package};"
        f"print(sorted({guests} & set(sys.modules)), jax.config.jax_enable_x64 == before)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[] True"


def test_top_level_holds_nothing_unexpected():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    allowed = {"pyproject.toml", "README.md", "LICENSE", "hillopt", "aecluster", "launch", "tests"}
    strays = {name.split("/")[0] for name in tracked.stdout.split()} - allowed
    assert all(name.startswith(".") for name in strays), strays
