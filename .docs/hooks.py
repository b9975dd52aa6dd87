"""What the documentation takes from where it lives: the manuals, their pictures, the examples, and the names of the reference."""

import re
from pathlib import Path

from contents import PAGES, ROOT, reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

MANUALS = ("README.md", "hillopt/README.md", "aecluster/README.md")
READY = """import hillopt as ho, aecluster as ae
from aecluster import clustering, deblurring
import jax, jax.numpy as jnp, numpy as np, optax

jax.config.update("jax_enable_x64", True)"""


def example(path: Path) -> str:
    """A file of `# %%` cells as a page."""
    cells = re.split(r"^# %%", path.read_text(), flags=re.MULTILINE)[1:]
    parts = []
    for cell in cells:
        kind, _, body = cell.partition("\n")
        if "[markdown]" in kind:
            parts.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
        else:
            parts.append(f"```python\n{body.strip()}\n```")
    return "\n\n".join(parts) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is elsewhere, each at the address that links to it expect."""
    for name in MANUALS:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for path in sorted((ROOT / ".images").iterdir()):
        files.append(File.generated(config, f".images/{path.name}", abs_src_path=str(path)))
    for path in sorted(ROOT.glob("*/examples/*.py")):
        address = path.relative_to(ROOT).with_suffix(".md").as_posix()
        files.append(File.generated(config, address, content=example(path)))
    for package in PAGES:
        for address, text in reference(package).items():
            files.append(File.generated(config, address, content=text))
    files.append(File.generated(config, "reference/index.md", content=_front()))
    return files


def _front() -> str:
    lists = [
        f"## {package}\n\n"
        + "\n".join(f"- [{title}]({package}/{rooms.split()[0]}.md)" for title, rooms in rooms_of.items())
        for package, rooms_of in PAGES.items()
    ]
    told = "Every public name, from its docstring. The examples are run by the tests, behind these lines:"
    return "\n\n".join(["# Reference", told, f"```python\n{READY}\n```", *lists]) + "\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The table of contents."""

    def pages(package: str) -> list[dict[str, str]]:
        return [{title: f"reference/{package}/{rooms.split()[0]}.md"} for title, rooms in PAGES[package].items()]

    examples = [path.relative_to(ROOT).with_suffix(".md").as_posix() for path in sorted(ROOT.glob("*/examples/*.py"))]
    config.nav = [
        {"Front page": "README.md"},
        {"hillopt": "hillopt/README.md"},
        {"aecluster": "aecluster/README.md"},
        {"Examples": examples},
        {"Reference": ["reference/index.md", {"hillopt": pages("hillopt")}, {"aecluster": pages("aecluster")}]},
    ]
    return config


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links to examples lead to their pages."""
    return re.sub(r"(\]\([^)]*examples/\w+)\.py\)", r"\1.md)", markdown)
