"""Named renderers: the published systems that are special cases of this one, and the thesis's 1,242 instances.

>>> from gendr import presets
>>> presets.softras(64).distribution
logistic(squared)
>>> len(presets.THESIS)
1242
"""

from gendr.presets.instances import THESIS, Grid, Instance
from gendr.presets.straight_through import StraightThrough, straight_through
from gendr.presets.systems import PRESETS, dib_r, logistic_relaxation, nmr, opendr, pix2vex, rhodin, softras
from gendr.presets.three_edges import ThreeEdges

__all__ = [
    "PRESETS",
    "THESIS",
    "Grid",
    "Instance",
    "StraightThrough",
    "ThreeEdges",
    "dib_r",
    "logistic_relaxation",
    "nmr",
    "opendr",
    "pix2vex",
    "rhodin",
    "softras",
    "straight_through",
]
