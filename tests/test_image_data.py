"""Images and labels in memory: what they become, how they are divided, and what is refused by its text."""

import numpy as np
import pytest
from image_files import refusal

from aecluster.data import ImageData, Split

IMAGES = np.linspace(0, 1, 3 * 4 * 5).reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES.astype(np.float16), IMAGES.astype(np.float16)),
        (IMAGES[..., None], IMAGES),
        (list(IMAGES), IMAGES),
        (IMAGES.tolist(), IMAGES),
        (IMAGES > 0.5, IMAGES > 0.5),
        ((IMAGES * 255).astype(np.uint8), (IMAGES * 255).astype(np.uint8) / 255),
    ],
)
def test_images_of_many_kinds_become_floats(images, expected):
    split = Split.of(images)
    assert (split.images.dtype, split.images.shape, split.labels) == (np.float32, (3, 4, 5, 1), None)
    np.testing.assert_array_equal(split.images[..., 0], expected.astype(np.float32))


@pytest.mark.parametrize(
    "labels", [[2, 0, 1], [[2], [0], [1]], np.array([2, 0, 1], np.uint8), np.array([2, 0, 1], np.int32)]
)
def test_labels_become_int64(labels):
    split = Split.of(np.zeros((3, 2, 2, 3)), labels)
    assert (split.labels.tolist(), split.labels.dtype, split.images.shape) == ([2, 0, 1], np.int64, (3, 2, 2, 3))


def changed(index, value):
    images = IMAGES.copy()
    images[index] = value
    return images


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (changed((2, 0, 0), np.nan), None, "`images` must be finite, image 2 has a NaN"),
        (changed((slice(1, 3), 3, 4), np.nan), None, "`images` must be finite, image 1 has a NaN"),
        (changed((1, 0, 0), np.inf), None, "`images` must be finite, image 1 has a NaN or infinite"),
        (changed((0, 0, 0), -1e300), None, "`images` must be finite, image 0 has a NaN or infinite"),
        (
            changed((2, 1, 1), -0.25),
            None,
            "`images` must lie in [0, 1], image 2 has a pixel -0.25",
        ),
        (changed((1, 1, 1), 1.25), None, "image 1 has a pixel 1.25; divide by the largest value"),
        (IMAGES * 255, None, "image 0 has a pixel 4.32203; divide by the largest value"),
        ([IMAGES[0], IMAGES[0], IMAGES[0, :3]], None, "one shape, image 2 has (3, 5) and image 0 (4, 5); crop"),
        (IMAGES.reshape(3, 20), None, "(image, height, width, channel), got (3, 20); reshape"),
        (IMAGES[None, None], None, "got (1, 1, 3, 4, 5); reshape"),
        (np.array(0.5), None, "got (); reshape"),
        ([], None, "got (0,); reshape"),
        (IMAGES[:0], None, "`images` must hold at least one image, got the shape (0, 4, 5, 1)"),
        (IMAGES[:, :0], None, "`images` must hold at least one image, got the shape (3, 0, 5, 1)"),
        (IMAGES.astype(np.int64), None, "`images` must be uint8, bool or float, got int64"),
        (IMAGES.astype(np.uint16), None, "`images` must be uint8, bool or float, got uint16"),
        (IMAGES.astype(complex), None, "`images` must be uint8, bool or float, got complex128"),
        (None, None, "`images` must be uint8, bool or float, got object"),
        ("images.npz", None, "`images` must be uint8, bool or float, got <U10"),
        (IMAGES, [0, 1], "`labels` must be one whole number for each of the 3 images, got the shape (2,)"),
        (IMAGES, [0, 1, 2, 3], "`labels` must be one whole number for each of the 3 images, got the shape (4,)"),
        (IMAGES, np.eye(3), "got the shape (3, 3); of one-hot labels take `labels.argmax(1)`"),
        (IMAGES, np.eye(3, dtype=int), "got the shape (3, 3); of one-hot labels take `labels.argmax(1)`"),
        (IMAGES, [[0], [1, 2], [3]], "`labels` must be one whole number an image, got lists of many lengths"),
        (IMAGES, 4, "`labels` must be one whole number for each of the 3 images, got the shape ()"),
        (IMAGES, [0.0, 1.0, 2.0], "`labels` must be whole numbers, got float64; number the classes as integers from 0"),
        (
            IMAGES,
            ["a", "b", "c"],
            "`labels` must be whole numbers, got <U1; number the classes by `np.unique(",
        ),
        (IMAGES, [3, -1, -2], "`labels` must count from 0, image 1 has -1"),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_bad_images_and_labels_are_refused(images, labels, message):
    with pytest.raises(ValueError, match=refusal(message)) as plain:
        Split.of(images, labels)
    with pytest.raises(ValueError, match=refusal("'my file', x: ", message)) as named:
        Split.of(images, labels, source="'my file', x")
    assert str(named.value) == f"'my file', x: {plain.value}"


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[..., None], None, "`images` must be float32 of shape (image, height, width, channel), got float64"),
        (IMAGES.astype(np.float32), None, "got float32 of shape (3, 4, 5); make them with `Split.of`"),
        (IMAGES[..., None].astype(np.float32), np.ones(3), "`labels` must be whole numbers, got float64"),
        (changed((2, 0, 0), np.nan)[..., None].astype(np.float32), None, "`images` must be finite, image 2"),
    ],
)
@pytest.mark.usefixtures("as_users_call")
def test_a_split_made_directly_is_checked_too(images, labels, message):
    with pytest.raises(ValueError, match=refusal(message)):
        Split(images, labels)


def both(labels=(0, 1, 2), test_labels=(5, 6)):
    return ImageData("mine", Split.of(IMAGES, labels), Split.of(1 - IMAGES[:2], test_labels))


def test_everything_is_the_training_images_and_then_the_test_images():
    data = both()
    whole = data.everything()
    np.testing.assert_array_equal(whole.images[..., 0], np.concatenate([IMAGES, 1 - IMAGES[:2]]).astype(np.float32))
    assert whole.labels.tolist() == [0, 1, 2, 5, 6]
    assert data.image_shape == (4, 5, 1)


@pytest.mark.parametrize("labels", [{"labels": None}, {"test_labels": None}, {"labels": None, "test_labels": None}])
def test_everything_has_labels_only_where_both_parts_have_them(labels):
    assert both(**labels).everything().labels is None


@pytest.mark.parametrize(
    ("sizes", "labels", "test_labels"),
    [({}, [0, 1, 2], [5, 6]), ({"train": 2}, [0, 1], [5, 6]), ({"train": 3, "test": 1}, [0, 1, 2], [5])],
)
def test_the_first_images_are_taken(sizes, labels, test_labels):
    data = both().take(**sizes)
    assert (data.name, data.train.labels.tolist(), data.test.labels.tolist()) == ("mine", labels, test_labels)
    np.testing.assert_array_equal(data.train.images, both().train.images[: len(labels)])
    assert both(labels=None).take(train=2).train.labels is None


@pytest.mark.parametrize("num", [0, -1, 4])
def test_more_images_than_there_are_cannot_be_taken(num):
    with pytest.raises(
        ValueError, match=refusal("`num_images` must be between 1 and the 3 images there are, got", str(num))
    ):
        both().take(train=num)


def test_train_and_test_images_have_one_shape():
    with pytest.raises(ValueError, match=refusal("`test` images must have", "(4, 5, 1), got (4, 4, 1); crop")):
        ImageData("mine", Split.of(IMAGES), Split.of(IMAGES[:, :, :4]))
