"""The shape of the tree: who may import whom, and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# lower floors first; a module may import from its own entry's package and from what stands before it
FLOORS = [
    "hillopt.pytrees",
    "hillopt.rounding",
    "hillopt.lattice",
    "hillopt.landscapes",
    "hillopt.optimizers",
    "hillopt.rollout",
    "hillopt.climbs",
    "hillopt.blocks",
    "hillopt.verdicts",
    "hillopt.critical",
    "hillopt.axes",
    "hillopt.dataset",
    "hillopt.sweep",
    "hillopt.plot",
]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def floor_of(module):
    matches = [index for index, name in enumerate(FLOORS) if module == name or module.startswith(name + ".")]
    return matches[0] if matches else None


MODULES = sorted(path for path in (ROOT / "hillopt").rglob("*.py") if path != ROOT / "hillopt" / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_lower_floors_only(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    here = floor_of(module)
    assert here is not None, f"{module} stands on no floor"
    for imported in imports(path):
        assert not imported.startswith(("launch", "aecluster"))
        if imported.startswith("hillopt"):
            assert floor_of(imported) is not None
            assert floor_of(imported) <= here, f"{module} reaches up to {imported}"


@pytest.mark.parametrize("path", sorted((ROOT / "launch").glob("*.py")), ids=lambda path: path.name)
def test_commands_use_public_names_alone(path):
    reached = {name for name in imports(path) if name.startswith("hillopt.")}
    assert not reached


def test_optimizers_and_landscapes_are_strangers():
    for path in (ROOT / "hillopt" / "optimizers").glob("*.py"):
        assert "hillopt.landscapes" not in set(imports(path))
    assert not any(name.startswith("hillopt.optimizers") for name in imports(ROOT / "hillopt" / "landscapes.py"))


def test_importing_the_library_loads_no_heavy_guest_and_changes_no_configuration():
    program = (
        "import sys, jax; before = jax.config.jax_enable_x64; import hillopt;"
        "print(sorted({'matplotlib', 'xarray', 'zarr', 'scipy.ndimage', 'absl.app'} & set(sys.modules)),"
        "jax.config.jax_enable_x64 == before)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["[]", "True"]


def test_top_level_holds_nothing_unexpected():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    allowed = {"pyproject.toml", "README.md", "LICENSE", "hillopt", "aecluster", "launch", "tests"}
    strays = {name.split("/")[0] for name in tracked.stdout.split()} - allowed
    assert all(name.startswith(".") for name in strays), strays
