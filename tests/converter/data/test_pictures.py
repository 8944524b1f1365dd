"""Pictures of every kind: the pixels that NumPy says, or refused in a line that names the file."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from rheobase.converter.data.data import load_images, matched_classes, read_image
from rheobase.converter.data.image_files import open_image, read_pixels
from rheobase.golden.errors import RheobaseError

GREY = np.random.default_rng(0).integers(0, 256, (5, 7)).astype(np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def _chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def _png(values, colour_type, depth, extra=b""):
    """A PNG of (rows, columns, channels) written by hand, so that no library's rule is in it."""
    rows, columns = values.shape[:2]
    flat = values.reshape(rows, -1).astype(">u2" if depth == 16 else ">u1")
    content = b"".join(b"\0" + row.tobytes() for row in flat)
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + extra
        + _chunk(b"IDAT", zlib.compress(content))
        + _chunk(b"IEND", b"")
    )


def _deep(channels):
    return np.random.default_rng(2).integers(0, 2**16, (5, 7, channels))


def test_sixteen_bits_are_read_by_their_high_byte(tmp_path):
    for colour_type, channels in ((0, 1), (2, 3)):
        values = _deep(channels)
        path = tmp_path / f"{channels}.png"
        path.write_bytes(_png(values, colour_type, 16))
        found = read_pixels(path, None)
        assert np.array_equal(found, (values // 256).transpose(2, 0, 1))
    values = _deep(1)[..., 0]
    (tmp_path / "a.pgm").write_bytes(b"P5 7 5 65535\n" + values.astype(">u2").tobytes())
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "a.tif")
    for name in ("a.pgm", "a.tif"):
        assert np.array_equal(read_pixels(tmp_path / name, None)[0], values // 256)
        assert read_pixels(tmp_path / name, 3).shape == (3, 5, 7)


def test_eight_bits_kept_in_sixteen_are_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(_png(GREY[..., None].astype(int), 0, 16))
    with pytest.raises(RheobaseError, match=rf"a\.png: 16-bit pixels of at most {GREY.max()},"):
        read_pixels(tmp_path / "a.png", None)
    (tmp_path / "a.png").write_bytes(_png(np.zeros((5, 7, 1), int), 0, 16))
    assert not read_pixels(tmp_path / "a.png", None).any()


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_of_no_known_range_are_refused(tmp_path, kind):
    Image.fromarray(GREY.astype(kind)).save(tmp_path / "a.tif")
    with pytest.raises(RheobaseError, match=r"a\.tif: (floating-point|32-bit) pixels"):
        read_pixels(tmp_path / "a.tif", None)


def test_palettes_bits_and_inks(tmp_path):
    few = COLOUR // 128 * 128
    index = few @ [4, 2, 1] // 128
    palette = Image.fromarray(index.astype(np.uint8), "P")
    palette.putpalette([128 * (i >> shift & 1) for i in range(8) for shift in (2, 1, 0)])
    palette.save(tmp_path / "p.png")
    assert np.array_equal(read_pixels(tmp_path / "p.png", None), few.transpose(2, 0, 1))
    Image.fromarray(GREY > 99).save(tmp_path / "b.png")
    assert np.array_equal(read_pixels(tmp_path / "b.png", None)[0], 255 * (GREY > 99))
    inks = np.zeros((5, 7, 4), np.uint8)
    inks[..., :3] = COLOUR
    Image.fromarray(inks, "CMYK").save(tmp_path / "c.tif")
    assert np.array_equal(read_pixels(tmp_path / "c.tif", None), 255 - COLOUR.transpose(2, 0, 1))
    Image.fromarray(GREY).save(tmp_path / "g.gif")
    assert np.array_equal(read_pixels(tmp_path / "g.gif", 1)[0], GREY)


def _transparent(tmp_path):
    """Pictures that are transparent in parts, of each kind."""
    alpha = np.full_like(GREY, 255)
    alpha[0, 0] = 9
    Image.fromarray(np.dstack([COLOUR, alpha])).save(tmp_path / "rgba.png")
    Image.fromarray(np.dstack([GREY, alpha]), "LA").save(tmp_path / "la.png")
    palette = Image.fromarray(COLOUR).quantize(8)
    palette.save(tmp_path / "p.png", transparency=int(np.asarray(palette)[0, 0]))
    Image.fromarray(GREY).save(tmp_path / "l.png", transparency=int(GREY[0, 0]))
    deep = _chunk(b"tRNS", struct.pack(">H", 77))
    (tmp_path / "deep.png").write_bytes(_png(_deep(1), 0, 16, deep))
    return alpha


def test_alpha_is_never_dropped(tmp_path):
    alpha = _transparent(tmp_path)
    for name in ("rgba", "la", "p", "l", "deep"):
        for channels in (None, 1, 3):
            with pytest.raises(RheobaseError, match=rf"{name}\.png: .*transparent"):
                read_pixels(tmp_path / f"{name}.png", channels)
    found = read_pixels(tmp_path / "rgba.png", 4)
    assert np.array_equal(found, np.dstack([COLOUR, alpha]).transpose(2, 0, 1))
    assert np.array_equal(read_pixels(tmp_path / "la.png", 2), np.stack([GREY, alpha]))
    Image.fromarray(np.dstack([COLOUR, np.full_like(GREY, 255)])).save(tmp_path / "o.png")
    assert np.array_equal(read_pixels(tmp_path / "o.png", None), COLOUR.transpose(2, 0, 1))
    Image.fromarray(COLOUR).save(tmp_path / "rgb.png")
    with pytest.raises(RheobaseError, match=r"rgb\.png: no alpha"):
        read_pixels(tmp_path / "rgb.png", 4)


@pytest.mark.parametrize("suffix", ["gif", "png", "tif", "webp"])
def test_several_pictures_in_one_file_are_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(RheobaseError, match=rf"a\.{suffix}: 2 pictures in one file"):
        read_pixels(path, None)


def test_pictures_are_upright(tmp_path):
    # Orientation 6: the camera was turned, rows of the file are columns of the scene.
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_pixels(tmp_path / "a.png", None)[0], np.rot90(GREY, -1))


def test_damaged_pictures_end_in_one_line(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "whole.png")
    Image.fromarray(COLOUR).save(tmp_path / "whole.jpg")
    Image.fromarray(COLOUR).save(tmp_path / "whole.tif")
    rng = np.random.default_rng(3)
    refused = 0
    for name in ("whole.png", "whole.jpg", "whole.tif"):
        content = (tmp_path / name).read_bytes()
        for _ in range(60):
            broken = bytearray(content[: int(rng.integers(1, len(content) + 1))])
            for place in rng.integers(0, len(broken), 3):
                broken[place] = rng.integers(0, 256)
            path = tmp_path / f"broken{name}"
            path.write_bytes(broken)
            try:
                open_image(path)
            except RheobaseError as error:
                refused += 1
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    assert refused > 60


def test_giant_headers_take_no_memory(tmp_path):
    header = struct.pack(">IIBBBBB", 2**16, 2**16, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"0"))
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(RheobaseError, match=r"a\.png: cannot be read as an image \(Image size"):
        read_pixels(tmp_path / "a.png", None)


def _classes(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
        Image.fromarray(GREY).save(root / name / "0.png")


def test_what_is_no_class_shifts_no_label(tmp_path):
    _classes(tmp_path, "b", "c", ".ipynb_checkpoints", ".hidden", "__MACOSX")
    (tmp_path / "b" / "._0.png").write_bytes(b"left by a Mac")
    (tmp_path / "b" / ".ipynb_checkpoints").mkdir()
    found = load_images(str(tmp_path))
    assert found.class_names == ("b", "c") and found.labels.tolist() == [0, 1]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    found = load_images(str(tmp_path))
    assert found.class_names == ("b", "c") and found.labels.tolist() == [0, 1]
    # The number of scores tells whether the empty folder is a class.
    assert matched_classes(found, (2,)).labels.tolist() == [0, 1]
    three = matched_classes(found.sample(2), (3,))
    assert three.class_names == ("a", "b", "c") and sorted(three.labels) == [1, 2]
    with pytest.raises(RheobaseError, match=r"\(b, c, and empty folders a\), the network has 4"):
        matched_classes(found, (4,))


def test_a_folder_above_class_folders_is_named(tmp_path):
    _classes(tmp_path / "train", "a", "b")
    with pytest.raises(RheobaseError, match=r"holds no images, .*/train has class folders"):
        load_images(str(tmp_path))


def test_the_model_says_which_channels(tmp_path):
    _classes(tmp_path, "a", "b")
    asked = []

    def takes(shape):
        asked.append(shape)
        return shape[0] == 3

    found = load_images(str(tmp_path), takes=takes)
    assert np.array_equal(found.images, np.stack([np.stack([GREY] * 3)] * 2))
    assert asked[0] == (1, 5, 7)


def test_classes_and_scores(tmp_path):
    _classes(tmp_path / "two", "a", "b")
    _classes(tmp_path / "others", "a", "c")
    two, others = load_images(str(tmp_path / "two")), load_images(str(tmp_path / "others"))
    matched_classes(two, (2,))
    # One score tells two classes apart.
    matched_classes(two, (1,))
    matched_classes(two, (21, 8, 8))
    matched_classes(two, (2,), two.class_names)
    with pytest.raises(RheobaseError, match=r"labels of 2 classes \(a, b\), the network has 3"):
        matched_classes(two, (3, 1, 1))
    with pytest.raises(RheobaseError, match="'b' is in one alone"):
        matched_classes(others, (2,), two.class_names)


def test_one_file(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", GREY)
    assert np.array_equal(read_image(tmp_path / "a.png", (1, 5, 7))[0], GREY)
    assert np.array_equal(read_image(tmp_path / "a.npy", (1, 5, 7))[0], GREY)
    with pytest.raises(RheobaseError, match="5 channels, a picture has 1 to 4"):
        read_image(tmp_path / "a.png", (5, 5, 7))
