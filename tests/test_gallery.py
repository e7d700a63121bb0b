"""The gallery's command, and that its page shows what it makes."""

import pytest
from PIL import Image

from gendr.tools.gallery import PICTURES, Gallery
from source_tree import ROOT


def test_one_picture(tmp_path, capsys):
    assert Gallery(pictures=("distributions",), out=tmp_path / "new").run() == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["distributions.png"]
    assert "distributions.png: " in capsys.readouterr().out


def test_an_unknown_picture(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        Gallery(pictures=("mona_lisa",), out=tmp_path).run()
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("gallery: error: pictures: expected one of ")


def test_the_page_shows_every_picture():
    text = (ROOT / "docs" / "gallery.md").read_text()
    for name in PICTURES:
        assert f"](images/gallery/{name}.png)" in text
        with Image.open(ROOT / "docs" / "images" / "gallery" / f"{name}.png") as picture:
            assert picture.width <= 1000
