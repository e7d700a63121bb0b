"""Images with labels, read from the formats in which the classic data sets come."""

from gendr.tools.images.cropped_digits import holds_cropped_digits, load_cropped_digits
from gendr.tools.images.digits import Digits, load_digits
from gendr.tools.images.folder import load_image_folder
from gendr.tools.images.house_numbers import HouseNumbers, load_house_numbers
from gendr.tools.images.idx import read_idx

__all__ = [
    "Digits",
    "HouseNumbers",
    "holds_cropped_digits",
    "load_cropped_digits",
    "load_digits",
    "load_house_numbers",
    "load_image_folder",
    "read_idx",
]
