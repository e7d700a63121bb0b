"""Pictures out of files of others: only common formats, and none that would fill the memory."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor

from gendr.render.mesh_exchange import from_image

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow knows more; some of those start other programs (PostScript) or are seldom tested.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
MOST_PIXELS = 1 << 26  # 8192 x 8192: 768 MiB as float32
MOST_IN_ALL = 1 << 27

_log = logging.getLogger("gendr.render.formats")


@contextmanager
def quietly() -> Iterator[None]:
    """Opens pictures without Pillow's warning of large ones, which `Pictures` refuses before they are decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Pictures:
    """The textures of one mesh: each picture is decoded once, and all of them together stay within `MOST_IN_ALL`."""

    def __init__(self) -> None:
        self.left = MOST_IN_ALL
        self._known: dict[Hashable, Tensor | None] = {}

    def texture(self, key: Hashable, image: Image | None) -> Tensor | None:
        """An opened, not yet decoded picture as a texture, float32 [H, W, 3]; None where it is refused or broken.

        Pictures of the same key are the same, and so is their texture.
        """
        if key not in self._known:
            self._known[key] = None if image is None else self._decoded(image)
        return self._known[key]

    def _decoded(self, image: Image) -> Tensor | None:
        width, height = image.size
        most = min(MOST_PIXELS, self.left)
        if image.format not in FORMATS:
            reason = f"of the format {image.format}, expected one of {', '.join(FORMATS)}"
        elif not 0 < width * height <= most:
            reason = f"of {width} x {height} pixels, expected {most} at most"
        else:
            self.left -= width * height
            try:
                with quietly():
                    return from_image(image)
            except Exception as error:  # Pillow raises what its decoders raise
                reason = f"broken: {error}"
        _log.info("a picture is not read, it is %s", reason)
        return None
