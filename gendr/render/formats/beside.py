"""Files that a mesh file names: read only where they lie in its own folder or below."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path, PurePosixPath

_MOST_BYTES = 1 << 29

_log = logging.getLogger("gendr.render.formats")


class Beside:
    """The folder of a mesh file, and what may be read in it.

    A name may have forward or backward slashes. Nothing outside the folder is opened, whatever the name or a symbolic
    link says: absolute paths, drives, `..` and URLs are refused, and so is what is no regular file or larger than
    512 MiB. The reason goes to the log `gendr.render.formats` at level INFO; there is no warning and no error.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str, within: str = "") -> bytes | None:
        """The bytes of the file `name`, relative to the folder `within` of the mesh file's folder, or None."""
        path, reason = self._find(name, within)
        if path is None:
            _log.info("%s: '%s' is not read: %s", self.folder, name, reason)
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            _log.info("%s: '%s' is not read: %s", self.folder, name, error.strerror)
            return None

    def _find(self, name: str, within: str) -> tuple[Path | None, str]:
        plain = name.replace("\\", "/")
        if "\0" in plain or not plain.strip():
            return None, "no file name"
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", plain) or plain.startswith("/"):
            return None, "a URL, a drive or an absolute path"
        if ".." in PurePosixPath(plain).parts:
            return None, "'..' in the path"
        try:
            top = Path(os.path.realpath(self.folder))
            path = Path(os.path.realpath(top / within / plain))
            if not path.is_relative_to(top):
                return None, "a symbolic link leads out of the folder"
            if not path.is_file():
                return None, "no such file, or not a regular one"
            if path.stat().st_size > _MOST_BYTES:
                return None, f"larger than {_MOST_BYTES >> 20} MiB"
        except (OSError, ValueError) as error:
            return None, str(error)
        return path, ""
