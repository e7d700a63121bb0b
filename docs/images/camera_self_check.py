"""Draw docs/images/camera_self_check.png: `Camera.self_check` where all is right, and where left is right.

Run `python docs/images/camera_self_check.py`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

import gendr
from gendr.scenes import SCENES

SIZE = (240, 320)


def main() -> None:
    """Draw and save."""
    mesh = SCENES["teapot"]()
    camera = gendr.Camera.look_at(elevation=25.0, azimuth=215.0).mirrored()
    alpha = gendr.Renderer(SIZE, tau=2e-3)(mesh, camera).alpha[0].clamp(0.0, 1.0)
    photo = alpha[..., None] * torch.tensor([0.35, 0.45, 0.6]) + (1.0 - alpha[..., None]) * 0.9
    pictures = [view.self_check(photo, mesh) for view in (camera, camera.mirrored())]
    sheet = Image.new("RGB", (sum(p.width for p in pictures) + 16, max(p.height for p in pictures)), "white")
    sheet.paste(pictures[0], (0, 0))
    sheet.paste(pictures[1], (pictures[0].width + 16, 0))
    sheet.quantize(200, Image.Quantize.FASTOCTREE).save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
