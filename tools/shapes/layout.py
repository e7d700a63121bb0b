"""The published layout of single-view data: for each class and split one file of images and one of voxels.

    {class}_{split}_images.npz    uint8 [N, 24, 4, 64, 64]   RGB and alpha; view v is camera v of `shapes.views`
    {class}_{split}_voxels.npz    [N, 32, 32, 32]            0 is empty; index order y, x, z

`class` is ShapeNet's number, `split` train, val or test, the array's key arr_0. It is the layout of the archives that
Neural Mesh Renderer, SoftRas and GenDR were trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gendr import _check
from gendr.tools.shapes.categories import CLASS_NAMES, SPLITS, class_id, class_ids
from gendr.tools.shapes.npz import Array, described, fits, map_array, save_array

VIEWS = 24
"""Views of each object."""
RESOLUTION = 32
"""Voxels a side."""


def files_of(folder: str | Path, number: str, split: str) -> tuple[Path, Path]:
    """The paths of a class's images and voxels.

    >>> [path.name for path in files_of("data", "03001627", "val")]
    ['03001627_val_images.npz', '03001627_val_voxels.npz']
    """
    folder = Path(folder)
    return folder / f"{number}_{split}_images.npz", folder / f"{number}_{split}_voxels.npz"


class ShapeData:
    """One split of a folder in the published layout, memory-mapped: opening it reads a few kilobytes.

    Args:
        folder: that holds the files.
        classes: names or ShapeNet's numbers, as a list or separated by commas, or "all".
        split: "train", "val" or "test".
        cache: where compressed archives are unpacked to, once; `.unpacked` within the folder by default.

    Attributes:
        classes: ShapeNet's number of each class, in the order asked for.
        names: their names.
        counts: how many objects each has.
        image_size: `H` and `W` of the images; 64 in the published archives.

    Raises:
        OSError: a file cannot be read.
        ValueError: a class or split is unknown or has no files, a file is damaged, or an array has another shape or
            dtype than the layout's, or another number of objects than its partner.

    >>> write_class("data", "chair", "test", np.zeros((2, 24, 4, 64, 64), np.uint8), np.zeros((2, 32, 32, 32), bool))
    >>> data = ShapeData("data", "chair", "test")
    >>> data.names, data.counts, data.images("chair").shape, data.voxels("chair").shape
    (['chair'], [2], (2, 24, 4, 64, 64), (2, 32, 32, 32))
    """

    def __init__(
        self,
        folder: str | Path,
        classes: str | Sequence[str] = "all",
        split: str = "train",
        cache: str | Path | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.split = _check.choice("split", split, SPLITS)
        self.classes = class_ids(classes)
        self.names = [CLASS_NAMES[number] for number in self.classes]
        if not self.folder.is_dir():
            _check.fail(str(folder), "a folder of shapes", "none")
        self._images, self._voxels = {}, {}
        for number in self.classes:
            images, voxels = self._paths(number)
            self._images[number] = _checked_images(images, map_array(images, cache))
            self._voxels[number] = _checked_voxels(voxels, map_array(voxels, cache))
            if len(self._images[number]) != len(self._voxels[number]):
                wanted = f"{len(self._images[number])} objects, as {images.name} has"
                _check.fail(str(voxels), wanted, f"{len(self._voxels[number])}")
        self.counts = [len(self._images[number]) for number in self.classes]
        sizes = {array.shape[3:] for array in self._images.values()}
        if len(sizes) > 1:
            _check.fail(str(folder), "images of one size", " and ".join(str(list(size)) for size in sorted(sizes)))
        self.image_size: tuple[int, int] = next(iter(sizes))

    def __len__(self) -> int:
        return sum(self.counts)

    def __repr__(self) -> str:
        return f"ShapeData({str(self.folder)!r}, {len(self.classes)} classes, {self.split!r}, {len(self)} objects)"

    def images(self, name: str) -> Array:
        """The images of a class, uint8 `[N, 24, 4, H, W]`, read-only.

        RGB lie between 0 and 255 and are not multiplied by alpha, which is the object's share of the pixel.

        Raises:
            ValueError: the class was not opened.
        """
        return self._images[self._number(name)]

    def voxels(self, name: str) -> Array:
        """The voxels of a class `[N, 32, 32, 32]` in the index order x, y, z of `voxelise`, read-only; 0 is empty.

        Raises:
            ValueError: the class was not opened.
        """
        voxels: Array = self._voxels[self._number(name)].transpose(0, 2, 1, 3)
        return voxels

    def _number(self, name: str) -> str:
        number = class_id(name)
        if number not in self._images:
            _check.fail("class", f"one of those opened, {', '.join(self.names)}", repr(name))
        return number

    def _paths(self, number: str) -> tuple[Path, Path]:
        paths = files_of(self.folder, number, self.split)
        for path in paths:
            if not path.is_file():
                there = sorted(CLASS_NAMES[n] for n in CLASS_NAMES if files_of(self.folder, n, self.split)[0].is_file())
                got = f"none; {self.split} is there of {', '.join(there) or 'no class'}"
                _check.fail(str(path), f"a file of {CLASS_NAMES[number]}", got)
        return paths


def write_class(
    folder: str | Path, name: str, split: str, images: Array, voxels: Array, *, compress: bool = False
) -> None:
    """Write the two files of a class and split; each appears whole or not at all, the images last.

    Args:
        folder: made when there is none.
        name: the class's name or number.
        split: "train", "val" or "test".
        images: uint8 `[N, 24, 4, H, W]`, `H = W`.
        voxels: bool or uint8 `[N, 32, 32, 32]` in index order x, y, z, as `voxelise` and `ShapeData.voxels` have it.
        compress: smaller files, which a loader must unpack.

    Raises:
        OSError: a file cannot be written.
        ValueError: an array of another shape or dtype, or an unknown class or split.

    >>> write_class("d", "vessel", "val", np.zeros((1, 24, 4, 64, 64), np.uint8), np.ones((1, 32, 32, 32), bool))
    >>> sorted(path.name for path in Path("d").iterdir())
    ['04530566_val_images.npz', '04530566_val_voxels.npz']
    """
    pictures, grids = files_of(folder, class_id(name), _check.choice("split", split, SPLITS))
    _checked_images(Path("images"), images)
    _checked_voxels(Path("voxels"), voxels)
    if len(images) != len(voxels):
        _check.fail("voxels", f"{len(images)} objects, as many as images", str(len(voxels)))
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_array(grids, np.ascontiguousarray(voxels.transpose(0, 2, 1, 3)), compress=compress)
    save_array(pictures, images, compress=compress)


def _checked_images(path: Path, images: Array) -> Array:
    shape = (None, VIEWS, 4, None, None)
    if images.dtype != np.uint8 or not fits(images, shape) or images.shape[3] != images.shape[4]:
        _check.fail(str(path), f"uint8 [N, {VIEWS}, 4, 64, 64]", described(images))
    return images


def _checked_voxels(path: Path, voxels: Array) -> Array:
    if voxels.dtype.kind not in "buif" or not fits(voxels, (None, RESOLUTION, RESOLUTION, RESOLUTION)):
        _check.fail(str(path), f"bool or uint8 [N, {RESOLUTION}, {RESOLUTION}, {RESOLUTION}]", described(voxels))
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        _check.fail(str(path), "finite values, of which 0 is empty", "NaN or infinite ones")
    return voxels
