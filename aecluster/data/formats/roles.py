"""What the name of an array, a column or a file says: part of the set, images or labels."""

import re

_PARTS = {
    "train": {"train", "training", "trn", "tr"},
    "val": {"val", "valid", "validation", "dev"},
    "test": {"test", "testing", "tst", "te", "t10k"},
}
_IMAGES = {"x", "image", "images", "img", "imgs", "data", "pixels", "patterns", "features", "pictures", "inputs", "fea"}
_LABELS = {"y", "label", "labels", "lbl", "lbls", "target", "targets", "class", "classes", "digit", "gnd", "category"}
_OTHERS = {"name", "names", "mapping", "classmap"}  # of the classes, not of the images
_WORD = re.compile(r"t10k|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_GLUED = re.compile(r"([xy])(train|test|val)")


def words(name: str) -> set[str]:
    """The words of a name in small letters, however they are joined: x_train, trainImages, Xtest, t10k-labels.idx1-ubyte."""
    found = {word.lower() for word in _WORD.findall(name)}
    for word in list(found):
        glued = _GLUED.fullmatch(word)
        found |= set(glued.groups()) if glued else set()
    return found


def part_of(name: str) -> str | None:
    """ "train", "val" or "test"; None where the name does not say."""
    return next((part for part, known in _PARTS.items() if known & words(name)), None)


def kind_of(name: str) -> str | None:
    """ "images" or "labels"; None where the name does not say."""
    found = words(name)
    if found & _OTHERS:
        return None
    if found & _LABELS:
        return "labels"
    return "images" if found & _IMAGES else None
