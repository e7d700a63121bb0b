"""`python -m gendr.tools.gallery`: which pictures there are, and where they go."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import tyro
from PIL import Image

from gendr import _check
from gendr.tools.arguments import bad_arguments
from gendr.tools.gallery.aggregations import aggregations
from gendr.tools.gallery.distributions import distributions
from gendr.tools.gallery.looks import lights, maps, texture
from gendr.tools.gallery.systems import systems

PICTURES: dict[str, Callable[[], Image.Image]] = {
    function.__name__: function for function in (distributions, aggregations, texture, maps, lights, systems)
}
"""Every picture by its name, which is its file's."""

HELP = """Draw the pictures of docs/gallery.md anew.

For example:
  python -m gendr.tools.gallery
  python -m gendr.tools.gallery distributions --out /tmp"""


@dataclass(frozen=True)
class Gallery:
    """The arguments; what follows an attribute is its help."""

    help: ClassVar[str] = HELP

    pictures: tyro.conf.Positional[tuple[str, ...]] = ()
    """Which ones; all when none is named."""
    out: Path = Path("docs/images/gallery")
    """The folder that they are written to; made when there is none."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with bad_arguments("gallery"):
            for name in self.pictures:
                _check.choice("pictures", name, list(PICTURES))
            self.out.mkdir(parents=True, exist_ok=True)
            for name in self.pictures or PICTURES:
                started = time.process_time()
                path = self.out / f"{name}.png"
                PICTURES[name]().save(path, optimize=True)
                print(f"{path}: {path.stat().st_size / 1000:.0f} kB, {time.process_time() - started:.1f} s")
        return 0
