"""Which mesh a results file is about: names and files may come to mean another one."""

from __future__ import annotations

import hashlib

from gendr import _check
from gendr.tools.bench.meshes import load_mesh
from gendr.tools.bench.store import Store


def digest(name: str) -> str:
    """A scene's or mesh file's vertices and faces, as the benchmark uses them, in 16 letters.

    Raises:
        ValueError: there is no such scene or file, or it cannot be read.
        OSError: likewise.

    >>> digest("teapot") == digest("airplane")
    False
    """
    mesh = load_mesh(name)
    content = hashlib.sha256()
    for values in (mesh.vertices, mesh.faces):
        array = values.detach().cpu().contiguous().numpy()
        content.update(f"{array.dtype} {array.shape}".encode())
        content.update(array.tobytes())
    return content.hexdigest()[:16]


def note(store: Store, digests: dict[str, str]) -> None:
    """Note the meshes in a results file, or see that they are those noted.

    Args:
        store: the results file.
        digests: by name.

    Raises:
        ValueError: the file's results are of another mesh of that name.
        OSError: the file cannot be written.
    """
    for name, found in digests.items():
        if store.remember(f"mesh {name}", found) != found:
            wanted = f"the {name} that the results in {store.path} are of (or another results file)"
            _check.fail("mesh", wanted, "one that has changed since")
