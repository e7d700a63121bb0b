"""Data for single-view reconstruction: the published layout, voxels, and shapes to fill it with."""

from gendr.tools.shapes.categories import CLASS_IDS, CLASS_NAMES, SPLITS, class_id, class_ids
from gendr.tools.shapes.layout import ShapeData, write_class
from gendr.tools.shapes.views import cameras
from gendr.tools.shapes.voxels import iou_3d, voxelise

__all__ = [
    "CLASS_IDS",
    "CLASS_NAMES",
    "SPLITS",
    "ShapeData",
    "cameras",
    "class_id",
    "class_ids",
    "iou_3d",
    "voxelise",
    "write_class",
]
