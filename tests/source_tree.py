"""The Python files of the package by module name, wherever in the repository they lie."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = {"gendr": "gendr", "scenes": "gendr.scenes", "tools": "gendr.tools"}


def module_name(file: Path, folder: Path, package: str) -> str:
    """`gendr.tools.fit.views` for `tools/fit/views.py`."""
    parts = file.relative_to(folder).with_suffix("").parts
    return ".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])


MODULES = {
    module_name(file, ROOT / folder, package): file
    for folder, package in PACKAGES.items()
    for file in sorted((ROOT / folder).rglob("*.py"))
}
