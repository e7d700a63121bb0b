"""The one error of everything that reads or writes mesh files."""

from __future__ import annotations


class MeshError(ValueError):
    """A mesh file that cannot be read or written; the message names the file, the line or element, and the reason.

    Example:
        >>> from gendr.render.formats import MeshError, read
        >>> try:
        ...     read("no/such/file.obj")
        ... except MeshError as error:
        ...     print(error)
        no/such/file.obj: no such file
    """
