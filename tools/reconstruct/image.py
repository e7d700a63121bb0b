"""A picture from a file as the network takes it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from gendr import _check
from gendr.tools.reconstruct.model import IMAGE_SIZE

MAX_SIDE = 16384
DEEP = ("I", "F")
"""Grey values of more than 8 bits, whose white nobody knows."""
FILTER = Image.Resampling.BOX


def read_image(path: Path, mask: Path | None = None) -> tuple[Float[Tensor, "4 H W"], str | None]:
    """Read a picture with its silhouette.

    A picture of another size is resized, one that is not square is padded first; colours are weighted by alpha
    meanwhile, so that what lies behind the object does not bleed into it, and are 0 where alpha is.

    Args:
        path: of the picture. Its alpha channel is the silhouette, unless there is a mask.
        mask: of a grey picture of the same size, white where the object is.

    Returns:
        Red, green, blue, alpha in [0, 1], `[4, 64, 64]`; and what was done to the picture, in words, if anything.

    Raises:
        OSError: a file cannot be read.
        ValueError: it is no picture, is too large, has neither alpha nor mask, or shows no object at all.

    >>> Image.new("RGBA", (128, 96), (255, 0, 0, 255)).save("a.png")
    >>> read_image(Path("a.png"))[1]
    'padded from 128x96 to a square; resized from 128x128 to 64x64'
    """
    picture = _opened(path)
    if mask is not None:
        silhouette = _opened(mask).convert("L")
        if silhouette.size != picture.size:
            _check.fail(str(mask), f"{picture.width}x{picture.height} pixels, as the image has", _size(silhouette))
    elif "A" in picture.getbands() or "transparency" in picture.info:
        silhouette = picture.convert("RGBA").getchannel("A")
    else:
        _check.fail(str(path), "an image with an alpha channel, or --mask with its silhouette", f"mode {picture.mode}")
    colours = np.asarray(picture.convert("RGB"), np.float32) / 255.0
    alpha = np.asarray(silhouette, np.float32)[..., None] / 255.0
    if not alpha.any():
        _check.fail(str(mask or path), "a silhouette of at least one pixel", "none")
    weighted = np.concatenate((colours * alpha, alpha), 2)
    weighted, notes = _fitted(weighted)
    alpha = weighted[..., 3:]
    image = np.concatenate((np.where(alpha > 0, weighted[..., :3] / np.maximum(alpha, 1e-6), 0.0), alpha), 2)
    return torch.from_numpy(image.transpose(2, 0, 1).clip(0.0, 1.0).astype(np.float32)), "; ".join(notes) or None


def _fitted(image: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    """Square, and of the network's size."""
    notes = []
    height, width = image.shape[:2]
    side = max(height, width)
    if height != width:
        top, left = (side - height) // 2, (side - width) // 2
        image = np.pad(image, ((top, side - height - top), (left, side - width - left), (0, 0)))
        notes.append(f"padded from {width}x{height} to a square")
    if side != IMAGE_SIZE:
        bands = [Image.fromarray(image[..., band]).resize((IMAGE_SIZE, IMAGE_SIZE), FILTER) for band in range(4)]
        image = np.stack([np.asarray(band) for band in bands], 2)
        notes.append(f"resized from {side}x{side} to {IMAGE_SIZE}x{IMAGE_SIZE}")
    return image, notes


def _opened(path: Path) -> Image.Image:
    if not path.is_file():
        _check.fail(str(path), "an image file", "none")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                picture: Image.Image = file
                small = min(file.size) > 0 and max(file.size) <= MAX_SIDE
                if small:
                    picture = ImageOps.exif_transpose(file)  # as it is to be looked at; a copy, with its pixels
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        _check.fail(str(path), "an image file", "something else")
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not small:
        _check.fail(str(path), f"at most {MAX_SIDE}x{MAX_SIDE} pixels", _size(picture))
    if picture.mode.startswith(DEEP):
        _check.fail(str(path), "an image of 8 bits a channel", f"mode {picture.mode}")
    return picture


def _size(picture: Image.Image) -> str:
    return f"{picture.width}x{picture.height}"
