"""Pictures out of files of others: only common formats, and none that would fill the memory."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import Tensor

from gendr.render.mesh_exchange import from_image

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow knows more; some of those start other programs (PostScript) or are seldom tested.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP")
MOST_PIXELS = 1 << 26  # 8192 x 8192: 768 MiB as float32

_log = logging.getLogger("gendr.render.formats")


@contextmanager
def quietly() -> Iterator[None]:
    """Opens pictures without Pillow's warning of large ones, which `texture_of` refuses before they are decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def texture_of(image: Image | None) -> Tensor | None:
    """An opened, not yet decoded picture as a texture, float32 [H, W, 3]; None where it is refused or broken."""
    if image is None:
        return None
    width, height = image.size
    reason = ""
    if image.format not in FORMATS:
        reason = f"of the format {image.format}, expected one of {', '.join(FORMATS)}"
    elif not 0 < width * height <= MOST_PIXELS:
        reason = f"of {width} x {height} pixels, expected {MOST_PIXELS} at most"
    else:
        try:
            with quietly():
                return from_image(image)
        except Exception as error:  # Pillow raises what its decoders raise
            reason = f"broken: {error}"
    _log.info("a picture is not read, it is %s", reason)
    return None
