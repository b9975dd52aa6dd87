"""IDX, the format of MNIST, against hand-made bytes, and refusals by their text."""

import gzip
import tracemalloc

import numpy as np
import pytest
from image_files import refusal

from aecluster.data import read_idx, write_idx

HAND_MADE = [
    (b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5\xff", np.array([[1, 2, 3], [4, 5, 255]], np.uint8)),
    (b"\0\0\x09\x01\0\0\0\x02\xff\x7f", np.array([-1, 127], np.int8)),
    (b"\0\0\x0b\x01\0\0\0\x02\x01\x00\xff\xfe", np.array([256, -2], np.int16)),
    (b"\0\0\x0c\x01\0\0\0\x01\0\1\0\0", np.array([65536], np.int32)),
    (b"\0\0\x0d\x01\0\0\0\x01\x3f\x80\0\0", np.array([1], np.float32)),
    (b"\0\0\x0e\x01\0\0\0\x01\xc0\0\0\0\0\0\0\0", np.array([-2], np.float64)),
    (b"\0\0\x08\x02\0\0\0\0\0\0\0\x03", np.empty((0, 3), np.uint8)),
]


@pytest.mark.parametrize(("content", "array"), HAND_MADE)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_is_read_as_it_is_defined(content, array, pack, tmp_path):
    (tmp_path / "numbers").write_bytes(pack(content))
    found = read_idx(tmp_path / "numbers")
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape, found.dtype.isnative) == (array.dtype, array.shape, True)


@pytest.mark.parametrize(("content", "array"), HAND_MADE)
def test_idx_is_written_as_it_is_defined(content, array, tmp_path):
    write_idx(tmp_path / "a", array)
    write_idx(tmp_path / "b", array.astype(array.dtype.newbyteorder(">")))
    write_idx(tmp_path / "a.gz", array)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == content
    zipped = (tmp_path / "a.gz").read_bytes()
    assert gzip.decompress(zipped) == content
    assert zipped[4:8] == bytes(4)  # no time stamp: equal arrays give equal files


@pytest.mark.parametrize(
    "array", [np.ones(3, np.int64), np.ones(3, bool), np.ones(3, np.float16), np.array(1, np.uint8)]
)
def test_what_idx_cannot_hold_is_refused(array, tmp_path):
    with pytest.raises(ValueError, match=refusal("`array` must be of dtype uint8", str(array.dtype), str(array.shape))):
        write_idx(tmp_path / "a", array)
    assert not (tmp_path / "a").exists()


GOOD = HAND_MADE[0][0]
ZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\0\0\x08", "magic number is wrong (0x000008)"),
        (b"PK\3\4" + GOOD, "magic number is wrong (0x504b0304)"),
        (b"\1" + GOOD[1:], "magic number is wrong (0x01000802)"),
        (b"\0\0\x0a" + GOOD[3:], "magic number is wrong (0x00000a02)"),
        (b"\0\0\x08\0" + GOOD[4:], "magic number is wrong (0x00000800)"),
        (GOOD[:11], "is cut short: its header needs 12 bytes, found 11"),
        (GOOD[:-1], "is cut short: shape (2, 3) needs 6 bytes after the header, found 5"),
        (GOOD + b"\0", "is too long: shape (2, 3) needs 6 bytes after the header, found 7"),
        (b"\0\0\x0e\2" + b"\xff" * 8, f"needs {(2**32 - 1) ** 2 * 8} bytes after the header, found 0"),
        (ZIPPED[:-9], "must be a whole gzip file, it is damaged"),
        (ZIPPED[:5], "must be a whole gzip file, it is damaged"),
        (ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:], "it is damaged (CRC check failed"),
        (ZIPPED[:10] + b"\xff" * 4 + ZIPPED[14:], "it is damaged (Error -3"),
        (ZIPPED + b"more", "must be a whole gzip file, it is damaged"),
    ],
)
def test_a_bad_idx_file_is_named(content, message, tmp_path):
    (tmp_path / "numbers.gz").write_bytes(content)
    with pytest.raises(ValueError, match=refusal("numbers.gz'", message)):
        read_idx(tmp_path / "numbers.gz")


def test_a_gzipped_file_is_unpacked_no_further_than_its_header_says(tmp_path):
    bomb = GOOD[:12] + bytes(300_000_000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bomb, compresslevel=1))
    tracemalloc.start()
    with pytest.raises(ValueError, match="is too long: shape"):
        read_idx(tmp_path / "bomb.gz")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000
