"""A data set of which only the first objects are taken."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gendr.tools.reconstruct.evaluate import Solids


class First:
    """The first objects of each class of a data set.

    Args:
        data: the data set.
        most: objects a class.
    """

    def __init__(self, data: Solids, most: int) -> None:
        self._data, self._most = data, most
        self.classes, self.names = data.classes, data.names
        self.counts = [min(count, most) for count in data.counts]

    def images(self, name: str) -> NDArray[Any]:
        """Of a class."""
        return self._data.images(name)[: self._most]

    def voxels(self, name: str) -> NDArray[Any]:
        """Of a class."""
        return self._data.voxels(name)[: self._most]
