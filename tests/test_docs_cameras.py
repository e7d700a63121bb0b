"""The examples of docs/cameras.md run, and the pictures it names are there."""

import re

import pytest

from source_tree import ROOT

PAGE = (ROOT / "docs" / "cameras.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run(number):
    exec(compile(BLOCKS[number], f"cameras.md, example {number + 1}", "exec"), {})


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert len(pictures) == 3
    for picture in pictures:
        assert (ROOT / "docs" / picture).is_file()
