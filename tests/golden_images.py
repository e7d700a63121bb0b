"""Images compared with those of an earlier day: `check(name, image, folder)`.

The references are PNGs of at most 64x64 pixels in tests/golden. `GENDR_GOLDEN=write python -m pytest -k golden` draws
them anew; look at them before you keep them. A failing test writes image, reference and difference, and prints where.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

GOLDEN = Path(__file__).parent / "golden"
LARGEST = 64
VARIABLE = "GENDR_GOLDEN"

ROUNDING = 1.0
"""Of 255. A level is half a level away from what was drawn, and another float may round to the next one."""


def check(
    name: str,
    image: torch.Tensor,
    folder: Path,
    *,
    tolerance: float = ROUNDING,
    outliers: int = 0,
    golden: Path = GOLDEN,
) -> None:
    """Compare an image with the reference of that name.

    Args:
        name: of the reference, without `.png`.
        image: `[H, W]` or `[3, H, W]`, in [0, 1].
        folder: where a failing test leaves its pictures.
        tolerance: largest difference of any pixel, in levels of 255.
        outliers: how many pixels may differ by more, for sharp images whose edges meet pixel centres.
        golden: where the references are.
    """
    got = levels(image)
    assert max(got.shape[:2]) <= LARGEST, f"{name}: a reference has at most {LARGEST}x{LARGEST} pixels"
    path = golden / f"{name}.png"
    if os.environ.get(VARIABLE) == "write":
        golden.mkdir(exist_ok=True)
        Image.fromarray(np.rint(got).astype(np.uint8)).save(path, optimize=True)
        return
    if not path.exists():
        pytest.fail(f"{name}: no reference {path}; draw it with {VARIABLE}=write and look at it")
    want = np.asarray(Image.open(path), dtype=np.float64)
    if got.shape != want.shape:
        pytest.fail(f"{name}: expected an image of shape {want.shape}, got {got.shape}")
    difference = np.abs(got - want)
    pixels = difference if difference.ndim == 2 else difference.max(2)
    if (pixels > tolerance).sum() > outliers:
        paths = _write_pictures(folder, name, got, want, difference)
        worst = np.unravel_index(difference.argmax(), difference.shape)
        lines = "".join(f"\n  {kind}: {file}" for kind, file in paths.items())
        pytest.fail(
            f"{name}: differs by {difference.max():.2f} of 255 at {tuple(int(i) for i in worst)}, allowed"
            f" {tolerance:g}; {int((pixels > tolerance).sum())} pixels beyond{lines}"
        )


def levels(image: torch.Tensor) -> np.ndarray:
    """`[H, W]` or `[H, W, 3]`, float64, 0 to 255; not finite or out of range is an error of the test."""
    values = image.detach().double()
    assert bool(torch.isfinite(values).all()), "an image that is not finite"
    assert bool(((values >= -1e-6) & (values <= 1 + 1e-6)).all()), "an image outside [0, 1]"
    values = values.clamp(0, 1) * 255
    return (values if image.ndim == 2 else values.movedim(0, -1)).numpy()


def _write_pictures(
    folder: Path, name: str, got: np.ndarray, want: np.ndarray, difference: np.ndarray
) -> dict[str, Path]:
    """The three pictures, enlarged eight times; the difference at full contrast."""
    pictures = {"image": got, "reference": want, "difference": difference * (255 / max(difference.max(), 1e-9))}
    paths = {}
    for kind, values in pictures.items():
        paths[kind] = folder / f"{name}-{kind}.png"
        picture = Image.fromarray(np.rint(values).astype(np.uint8))
        picture.resize((picture.width * 8, picture.height * 8), Image.Resampling.NEAREST).save(paths[kind])
    return paths
