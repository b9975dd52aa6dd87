"""What a file is that no reader takes, by how it begins, and how its images become a .npz file."""

from pathlib import Path

START = 512  # bytes that tell what a file is
HOW = "write its images and labels by `numpy.savez(path, x=images, y=labels)`"

_BEGINNINGS: list[tuple[bytes, str, str]] = [  # how it begins, what it is, what to do
    (b"ARROW1", "an Arrow file", "write it as parquet"),
    (b"\x89PNG", "a single PNG image", "give the folder that holds the images"),
    (b"\xff\xd8\xff", "a single JPEG image", "give the folder that holds the images"),
    (b"GIF8", "a single GIF image", "give the folder that holds the images"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"\xfd7zXZ", "an xz file", "unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"PK", "a damaged zip archive", "write it again"),
    (b"SQLite format 3", "an SQLite database", f"read it by `pandas.read_sql` and {HOW}"),
    (b"%PDF", "a PDF file", f"take the images themselves and {HOW}"),
    (b"<", "a page of HTML or XML, as a download that failed leaves behind", "fetch the file again"),
    (b"{", "a JSON file", f"read it by `json.load` and {HOW}"),
    (b"[", "a JSON file", f"read it by `json.load` and {HOW}"),
]
_PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))


def start_of(path: Path) -> bytes:
    """How a file begins."""
    with path.open("rb") as file:
        return file.read(START)


def described(start: bytes) -> tuple[str, str]:
    """What a file is that begins so, as far as it can be told, and how to convert it."""
    if not start:
        return "empty", "write it again"
    if start.startswith(_PICKLES):
        return "a pickle, which could run foreign code when read", f"where you trust it read it yourself and {HOW}"
    if start[257:262] == b"ustar":
        return "a tar archive", "unpack it first"
    for beginning, what, how in _BEGINNINGS:
        if start.startswith(beginning):
            return what, how
    if _is_text(start):
        return "text", "give it the ending .csv if it is a table of pixels"
    return "none that is known or is damaged", f"write it with `numpy.savez`: {HOW}"


def found_in(folder: Path) -> str:
    """What lies in a folder that holds no images."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return f"it holds {names[0]}{' and others' if names[1:] else ''}" if names else "it is empty"


def _is_text(start: bytes) -> bool:
    try:
        text = start[: START - 3].decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)
