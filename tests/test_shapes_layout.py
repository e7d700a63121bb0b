"""The published layout of single-view data: written, read back, mapped, refused when it is something else."""

from __future__ import annotations

import os
import resource
import zipfile

import numpy as np
import pytest

from gendr.tools.shapes import CLASS_IDS, ShapeData, class_id, class_ids, write_class
from gendr.tools.shapes.npz import map_array, save_array


def some(count=3, size=64):
    rng = np.random.default_rng(count)
    images = rng.integers(0, 256, (count, 24, 4, size, size), np.uint8)
    return images, rng.random((count, 32, 32, 32)) < 0.3


@pytest.fixture
def folder(tmp_path):
    for name, count in (("chair", 3), ("table", 2)):
        write_class(tmp_path, name, "test", *some(count))
    return tmp_path


@pytest.mark.parametrize("compress", [False, True])
def test_round_trip(tmp_path, compress):
    images, voxels = some()
    write_class(tmp_path, "chair", "train", images, voxels, compress=compress)
    for _ in range(2):  # the second time from the cache
        data = ShapeData(tmp_path, ["03001627"], "train")
        assert np.array_equal(data.images("chair"), images)
        assert np.array_equal(data.voxels("03001627"), voxels)
        assert isinstance(data.images("chair"), np.memmap)
        assert not data.images("chair").flags.writeable
    assert (tmp_path / ".unpacked").exists() == compress


def test_as_the_published_code_reads_it(tmp_path):
    """It takes the first array of the file, and indexes voxels by y, x, z."""
    images, voxels = some()
    write_class(tmp_path, "chair", "train", images, voxels)
    with np.load(tmp_path / "03001627_train_images.npz", allow_pickle=False) as file:
        assert np.array_equal(next(iter(file.items()))[1], images)
    with np.load(tmp_path / "03001627_train_voxels.npz", allow_pickle=False) as file:
        assert np.array_equal(file["arr_0"][1][:, 4], voxels[1, 4])
        assert file["arr_0"].shape == (3, 32, 32, 32)


def test_several_classes(folder):
    data = ShapeData(folder, "table,chair", "test")
    assert data.names == ["table", "chair"]
    assert (data.counts, len(data), data.image_size) == ([2, 3], 5, (64, 64))
    assert repr(data).endswith("2 classes, 'test', 5 objects)")


def test_an_empty_split(tmp_path):
    write_class(tmp_path, "chair", "val", *some(0))
    assert ShapeData(tmp_path, "chair", "val").counts == [0]


def test_another_key_and_published_dtypes(tmp_path):
    images, voxels = some(1)
    np.savez(tmp_path / "03001627_test_images.npz", pictures=images)
    np.savez_compressed(tmp_path / "03001627_test_voxels.npz", voxels.transpose(0, 2, 1, 3).astype(np.int32))
    data = ShapeData(tmp_path, "chair", "test", cache=tmp_path / "elsewhere")
    assert np.array_equal(data.voxels("chair"), voxels)
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_nothing_is_read_before_it_is_looked_at(tmp_path):
    """A gigabyte of holes in the file: opening it must not take memory, and reads only the page looked at."""
    path = tmp_path / "big.npz"
    small = np.zeros((1, 24, 4, 64, 64), np.uint8)
    np.savez(path, small)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive, archive.open("arr_0.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (640, 24, 4, 64, 64)}
        np.lib.format.write_array_header_1_0(member, header)
        block = np.full(small.size, 7, np.uint8).tobytes()
        for _ in range(640):
            member.write(block)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    array = map_array(path)
    assert array[639, 23, 3, 63, 63] == 7
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # in kilobytes on Linux
    assert array.nbytes > 250_000_000
    assert grown < 50_000
    path.unlink()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.9999])
def test_a_file_cut_off(folder, compress, keep):
    write_class(folder, "chair", "test", *some(), compress=compress)
    path = folder / "03001627_test_images.npz"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match=r"03001627_test_images.npz: expected an npz file, whole, got \d+ bytes"):
        ShapeData(folder, "chair", "test")


def test_a_damaged_compressed_file(folder):
    write_class(folder, "chair", "test", *some(), compress=True)
    path = folder / "03001627_test_images.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"03001627_test_images.npz: expected an npz file, whole"):
        ShapeData(folder, "chair", "test")
    assert not [file for file in (folder / ".unpacked").iterdir() if "images" in file.name]


def test_a_replaced_archive_is_unpacked_anew(tmp_path):
    for value in (1, 2):
        save_array(tmp_path / "a.npz", np.full((2, 2), value), compress=True)
        assert map_array(tmp_path / "a.npz").tolist() == [[value] * 2] * 2


def test_pickles_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"a.npz: expected an array of numbers, got one of Python objects"):
        map_array(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("arr_0.npy", b"\x80\x04K\x01.")
    with pytest.raises(ValueError, match=r"b.npz: expected an array in numpy's format"):
        map_array(tmp_path / "b.npz")


def test_a_header_that_promises_too_much(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("arr_0.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40,)}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(b"123")
    with pytest.raises(ValueError, match=r"a.npz: expected 1099511627776 bytes for uint8 .*, got 3: it is cut off"):
        map_array(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("images", "voxels", "text"),
    [
        ((2, 24, 4, 64, 32), (2, 32, 32, 32), r"images.npz: expected uint8 \[N, 24, 4, 64, 64\], got uint8"),
        ((2, 23, 4, 64, 64), (2, 32, 32, 32), r"images.npz: expected uint8 .* got uint8 \[2, 23, 4, 64, 64\]"),
        ((2, 24, 3, 64, 64), (2, 32, 32, 32), r"images.npz: expected uint8 .* got uint8 \[2, 24, 3, 64, 64\]"),
        ((2, 24, 4, 64, 64), (2, 32, 32), r"voxels.npz: expected bool or uint8 .* got bool \[2, 32, 32\]"),
        ((2, 24, 4, 64, 64), (3, 32, 32, 32), "voxels.npz: expected 2 objects, as 03001627_test_images.npz has, got 3"),
    ],
)
def test_wrong_shapes(tmp_path, images, voxels, text):
    save_array(tmp_path / "03001627_test_images.npz", np.zeros(images, np.uint8))
    save_array(tmp_path / "03001627_test_voxels.npz", np.zeros(voxels, np.bool_))
    with pytest.raises(ValueError, match=text):
        ShapeData(tmp_path, "chair", "test")
    with pytest.raises(ValueError, match=r"images|voxels"):
        write_class(tmp_path, "chair", "test", np.zeros(images, np.uint8), np.zeros(voxels, np.bool_))


def test_wrong_dtypes(tmp_path):
    images, voxels = some(1)
    for wrong in ((images.astype(np.float32), voxels), (images, voxels.astype("U1"))):
        save_array(tmp_path / "03001627_test_images.npz", wrong[0])
        save_array(tmp_path / "03001627_test_voxels.npz", wrong[1])
        with pytest.raises(ValueError, match=r"expected (uint8|bool)"):
            ShapeData(tmp_path, "chair", "test")


def test_voxels_that_are_no_numbers(tmp_path):
    images, voxels = some()
    values = voxels.astype(np.float32)
    write_class(tmp_path, "chair", "test", images, values)
    assert np.array_equal(ShapeData(tmp_path, "chair", "test").voxels("chair") != 0, voxels)
    values[1, 2, 3, 4] = np.nan
    save_array(tmp_path / "03001627_test_voxels.npz", values)
    with pytest.raises(ValueError, match="finite values, of which 0 is empty, got NaN"):
        ShapeData(tmp_path, "chair", "test")


def test_missing_files_and_names(folder):
    with pytest.raises(ValueError, match=r"03636649_test_images.npz: expected a file of lamp, got none; test is there"):
        ShapeData(folder, "chair,lamp", "test")
    with pytest.raises(ValueError, match="train is there of no class"):
        ShapeData(folder, "chair", "train")
    with pytest.raises(ValueError, match="expected a folder of shapes, got none"):
        ShapeData(folder / "none", "chair", "test")
    with pytest.raises(ValueError, match="split: expected one of train, val, test, got 'all'"):
        ShapeData(folder, "chair", "all")
    with pytest.raises(ValueError, match="class: expected one of those opened, chair, got 'table'"):
        ShapeData(folder, "chair", "test").images("table")
    with pytest.raises(ValueError, match=r"classes: expected names or numbers of airplane, .*, got 'tree'"):
        class_ids("chair,tree")
    with pytest.raises(ValueError, match="classes: expected one or more different ones"):
        class_ids("chair,03001627")


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(np, "savez", lambda file, *arrays: file.write(b"part") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_array(tmp_path / "a.npz", np.zeros(3))
    assert os.listdir(tmp_path) == []


def test_names_and_numbers():
    assert [class_id(name) for name in CLASS_IDS] == list(CLASS_IDS.values())
    assert len(set(CLASS_IDS.values())) == 13
    assert class_ids(("Vessel", "watercraft")[:1]) == ["04530566"]
