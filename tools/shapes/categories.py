"""The 13 classes of the single-view benchmark: ShapeNet's numbers, and names that people can read."""

from __future__ import annotations

from collections.abc import Sequence

from gendr import _check

CLASS_IDS = {
    "airplane": "02691156",
    "bench": "02828884",
    "cabinet": "02933112",
    "car": "02958343",
    "chair": "03001627",
    "display": "03211117",
    "lamp": "03636649",
    "loudspeaker": "03691459",
    "rifle": "04090263",
    "sofa": "04256520",
    "table": "04379243",
    "telephone": "04401088",
    "vessel": "04530566",
}
"""ShapeNet's number (a WordNet offset) of each class, which the published archives' file names begin with."""

CLASS_NAMES = {number: name for name, number in CLASS_IDS.items()}
"""The name of each number."""

SPLITS = ("train", "val", "test")
"""The parts of the data, as the published archives name them."""


def class_id(text: str) -> str:
    """ShapeNet's number of a class given by its name or by that number; "watercraft" is another name of "vessel".

    Raises:
        ValueError: it is none of the 13.

    >>> class_id("Chair"), class_id("03001627"), class_id("watercraft")
    ('03001627', '03001627', '04530566')
    """
    name = text.strip().lower()
    if name in CLASS_NAMES:
        return name
    if name == "watercraft":
        name = "vessel"
    if name not in CLASS_IDS:
        _check.fail("classes", f"names or numbers of {', '.join(CLASS_IDS)}", repr(text))
    return CLASS_IDS[name]


def class_ids(classes: str | Sequence[str] = "all") -> list[str]:
    """The numbers of several classes: of a list, of names separated by commas, or of all 13.

    Raises:
        ValueError: a class is none of the 13, is named twice, or none is named.

    >>> class_ids("table,chair"), len(class_ids("all"))
    (['04379243', '03001627'], 13)
    """
    if isinstance(classes, str):
        classes = list(CLASS_IDS) if classes.strip().lower() == "all" else classes.split(",")
    numbers = [class_id(text) for text in classes]
    if not numbers or len(set(numbers)) < len(numbers):
        _check.fail("classes", "one or more different ones", ", ".join(map(repr, classes)) or "none")
    return numbers
