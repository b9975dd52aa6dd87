"""The report as one page of HTML with its pictures inside, and as a PDF where a browser is found."""

import base64
import csv
import html
import io
import math
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from launch.report.parts import PARTS, Part, Table

WIDTH = 1400  # pixels of a picture on the page
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINTING = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PATIENCE = 120  # seconds for a browser
STYLE = """
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; }
h1 { font-size: 1.7rem; }
h2 { margin-top: 2.5rem; font-size: 1.3rem; border-bottom: 1px solid #d4d8dc; }
figure { margin: 1.5rem 0; break-inside: avoid; }
img { max-width: 100%; max-height: 38rem; display: block; margin: auto; }
figcaption { color: #3a4046; font-size: .92rem; margin-top: .4rem; }
code { background: #f2f3f5; padding: .1rem .3rem; overflow-wrap: anywhere; }
pre { background: #f2f3f5; padding: .6rem; overflow-x: auto; font-size: .8rem; }
table { border-collapse: collapse; font-size: .9rem; margin: 1rem 0; font-variant-numeric: tabular-nums; }
table { display: block; overflow-x: auto; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #d4d8dc; text-align: right; }
th:first-child, td:first-child { text-align: left; }
nav a { margin-right: 1rem; }
@media print { details { display: none; } }
"""


def page_of(title: str, folder: Path, commands: Mapping[str, list[str]], printed: Mapping[str, str]) -> str:
    """The page from the run folders of all parts, the command of each, and what it printed."""
    body = "\n".join(line for part in PARTS for line in _part(part, folder / part.name, commands, printed))
    links = "".join(f'<a href="#{part.name}">{html.escape(part.title)}</a>' for part in PARTS)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body><h1>{html.escape(title)}</h1>\n<p>{INTRODUCTION}</p>\n<nav>{links}</nav>\n{body}\n</body></html>\n"
    )


INTRODUCTION = (
    "Two questions. How high a hill can an optimizer climb out of, and does that hang on its settings? And what do autoencoders "
    "of small images keep in 2, 16 and more numbers: enough to give the image back, to tell the classes apart, to undo a blur? "
    "Every number stands with its spread over seeds, and beside every figure is the command that makes it again."
)


def _part(part: Part, run: Path, commands: Mapping[str, list[str]], printed: Mapping[str, str]) -> Iterator[str]:
    yield f'<h2 id="{part.name}">{html.escape(part.title)}</h2>'
    yield f"<p><code>{html.escape(shlex.join(commands[part.name]))}</code></p>"
    for table in part.tables:
        yield _table(table, run / table.name)
    for figure in part.figures:
        for path in sorted(run.glob(f"{figure.name}.png")):
            source = _picture(path)
            shows = html.escape(figure.shows)
            yield f'<figure><img src="{source}" alt="{html.escape(path.stem)}"><figcaption>{shows}</figcaption></figure>'
    said = html.escape(printed[part.name].strip())
    yield f"<details><summary>What the command printed</summary><pre>{said}</pre></details>"


def _picture(path: Path) -> str:
    """As an address that holds the picture itself, no wider than the page needs it."""
    from PIL import Image

    image = Image.open(path).convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "WEBP", quality=88)
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode()}"


def _table(table: Table, path: Path) -> str:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in table.columns if any(row.get(name) for row in rows)]
    head = "".join(f"<th>{html.escape(table.columns[name])}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(_cell(row, name))}</td>' for name in columns)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(row: Mapping[str, str], name: str) -> str:
    """A number in four digits, or, where there is a spread, to the place of the spread's second digit."""
    spread = row.get(f"{name}_std")
    if spread in (None, "", "nan") or not float(spread or 0) > 0:
        return _number(row[name])
    places = max(0, 1 - math.floor(math.log10(float(spread or 0))))
    return f"{float(row[name]):.{places}f} ± {float(spread or 0):.{places}f}"


def _number(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{int(number):,}" if number.is_integer() else f"{number:.4g}"


def print_page(page: Path, pdf: Path) -> bool:
    """The page as a PDF, if a browser is found that prints it."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return False
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *PRINTING, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", "--no-pdf-header-footer"]
        try:
            subprocess.run([*command, page.absolute().as_uri()], capture_output=True, timeout=PATIENCE, check=True)
        except (subprocess.SubprocessError, OSError):
            return False
    return pdf.is_file()
