"""What a file is that was taken for another, by how it begins, and how its images become a .npz file."""

from pathlib import Path

START = 512  # bytes that tell what a file is
HOW = "write its images and labels by `numpy.savez(path, x=images, y=labels)`"

_BEGINNINGS: list[tuple[bytes, str, str]] = [  # how it begins, what it is, what to do
    (b"\x93NUMPY", "a .npy file, one array without its labels", f"read it by `numpy.load` and {HOW}"),
    (b"PAR1", "a parquet file", f"read it by `pandas.read_parquet`, decode its images and {HOW}"),
    (b"ARROW1", "an Arrow file", f"read it by `pandas.read_feather` and {HOW}"),
    (b"MATLAB 5.0 MAT-file", "a .mat file of MATLAB's", f"read it by `scipy.io.loadmat` and {HOW}"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as MATLAB 7.3 writes .mat too", f"read it by `h5py.File` and {HOW}"),
    (b"\x89PNG", "a single PNG image", f"read all images by `PIL.Image.open` and {HOW}"),
    (b"\xff\xd8\xff", "a single JPEG image", f"read all images by `PIL.Image.open` and {HOW}"),
    (b"GIF8", "a single GIF image", f"read all images by `PIL.Image.open` and {HOW}"),
    (b"\x1f\x8b", "a gzip file", "give the folder that holds it if it is an IDX file, or unpack it first"),
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
_IDX = tuple(b"\0\0" + bytes([code]) for code in (8, 9, 11, 12, 13, 14))
_PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))


def described(path: Path) -> tuple[str, str]:
    """What the file is, as far as it can be told, and how to convert it."""
    with path.open("rb") as file:
        start = file.read(START)
    if not start:
        return "empty", "write it again"
    if start.startswith(_IDX):
        return "an IDX file", "give the folder that holds it"
    if start.startswith(_PICKLES):
        return "a pickle, which could run foreign code when read", f"where you trust it read it yourself and {HOW}"
    if start[257:262] == b"ustar":
        return "a tar archive", "unpack it first"
    for beginning, what, how in _BEGINNINGS:
        if start.startswith(beginning):
            return what, how
    if _is_text(start):
        first = start.splitlines()[0]
        if b"," in first or b";" in first or b"\t" in first:
            return "a table in text (CSV)", f"read it by `pandas.read_csv`, reshape its rows to images and {HOW}"
        return "text", f"take the images themselves and {HOW}"
    return "none or is damaged", f"write it with `numpy.savez`: {HOW}"


def _is_text(start: bytes) -> bool:
    try:
        text = start[: START - 3].decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)
