"""The pictures of docs/gallery.md, all made by `python -m gendr.tools.gallery`.

>>> sorted(PICTURES)[:2]
['aggregations', 'distributions']
"""

from gendr.tools.gallery.command import PICTURES, Gallery

__all__ = ["PICTURES", "Gallery"]
