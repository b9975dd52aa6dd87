"""The setting --read: what it says to the library, and the library's sentences in its words."""

import numpy as np
import pytest
from image_files import refusal

from launch import own_images
from launch.report.parts import PARTS

IMAGES = np.random.default_rng(8).integers(0, 32, (10, 3, 16, 20), np.uint16)


@pytest.mark.parametrize(
    ("read", "shape"),
    [
        (("image_shape=3x16x20", "white=31", "images_key=one", "labels_key=kind"), (16, 20, 3)),
        (("image_size=8", "white=31", "images_key=one"), (8, 8, 3)),
        (("image_size=8x9", "white=31", "images_key=one"), (8, 9, 3)),
    ],
)
def test_options_reach_the_library(read, shape, tmp_path):
    np.savez(tmp_path / "a.npz", one=IMAGES, two=IMAGES, kind=np.arange(10) % 2)
    data = own_images.load(None, tmp_path / "a.npz", read)
    assert data.image_shape == shape
    assert data.train.images.max() <= 1
    assert (data.train.labels is not None) == ("labels_key=kind" in read)


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        ((), "pass `--read=images_key`, or write"),
        (("images_key=one",), "pass `--read=white`, such as 255"),
        (("images_key=one", "skip_broken=true"), "`--read=skip_broken` means nothing for"),
        (("image_size=big",), "`--read=image_size=big` has no such value; write it as in image_size=28 or 28x40,"),
        (("white",), "`--read=white` must be NAME=VALUE, such as image_size=28"),
        (("colour=red",), "`--read=colour=red` must be NAME=VALUE"),
    ],
)
def test_what_is_refused_is_told_in_flags(read, sentence, tmp_path):
    np.savez(tmp_path / "a.npz", one=IMAGES, two=IMAGES)
    with pytest.raises(ValueError, match=refusal(sentence)):
        own_images.load(None, tmp_path / "a.npz", read)


def test_a_report_hands_it_on_to_what_reads_images(tmp_path):
    given = {part.name: part.arguments(True, tmp_path, None, ("white=16",)) for part in PARTS}
    assert [name for name, flags in given.items() if "--read=white=16" in flags] == [
        part.name for part in PARTS if part.of_images
    ]
