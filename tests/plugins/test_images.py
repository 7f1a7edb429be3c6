"""Image files in class folders: what is read from them, and what is said of folders that are not as they should be."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from benchsuite import DataError
from benchsuite_plugins.image_tree import ArchiveTree
from benchsuite_plugins.images import Cifar10Jpeg, ImageFolder

GREY, RED = (100, 100, 100), (200, 10, 30)


def save(file, colour=GREY, size=(32, 32)):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(file)


@pytest.fixture
def photos(tmp_path, home):
    """A folder of two classes, one image of each in each split, and a second cat to train on."""
    for split in ("train", "test"):
        save(tmp_path / "photos" / split / "cat" / "1.png")
        save(tmp_path / "photos" / split / "Dog" / "1.PNG", RED, (40, 20))
    save(tmp_path / "photos" / "train" / "cat" / "0.jpg", RED, (64, 64))
    (tmp_path / "photos" / "train" / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "photos" / "train" / ".hidden").mkdir()
    return tmp_path / "photos"


def test_a_folder_is_read_in_the_order_of_its_names(photos, tmp_path):
    dataset = ImageFolder("photos", size=8)
    dataset.prepare(tmp_path)
    train, test = (dataset.load(tmp_path, split) for split in ("train", "test"))
    assert train.images.shape == (3, 3, 8, 8)
    assert train.labels.tolist() == [0, 1, 1]
    assert test.labels.tolist() == [0, 1]
    assert train.images[0, :, 0, 0].tolist() == list(RED)
    assert train.images[2].unique().tolist() == [100]
    info = dataset.describe(tmp_path)
    assert (info.channels, info.height, info.width, info.classes) == (3, 8, 8, 2)


def test_an_absolute_path_needs_no_data_folder(photos, tmp_path):
    assert ImageFolder(str(photos)).fingerprint(tmp_path / "nowhere") == ImageFolder("photos").fingerprint(tmp_path)


def test_reducing_averages(tmp_path, home):
    board = np.indices((256, 256)).sum(0) % 2 * 255
    for split in ("train", "test"):
        save(tmp_path / split / "board" / "0.png")
        Image.fromarray(board.astype(np.uint8)).save(tmp_path / split / "board" / "0.png")
    pixels = ImageFolder(".", size=16).load(tmp_path, "test").images
    assert (pixels.int() - 127).abs().max() <= 2


def test_sizes_are_kept_apart(photos, tmp_path):
    for size in (8, 16, 8):
        assert ImageFolder("photos", size=size).load(tmp_path, "test").images.shape[2:] == (size, size)


def test_modes_become_rgb(tmp_path, home):
    for number, mode in enumerate(("1", "L", "P", "RGBA", "LA", "CMYK")):
        for split in ("train", "test"):
            file = tmp_path / split / "one" / f"{number}.{'tif' if mode == 'CMYK' else 'png'}"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (32, 32)).save(file)
    assert ImageFolder(".").load(tmp_path, "train").images.shape == (6, 3, 32, 32)


@pytest.mark.parametrize("change", ["content", "name", "class", "new image"])
def test_the_fingerprint_is_of_names_and_bytes(photos, tmp_path, change):
    before = ImageFolder("photos").fingerprint(tmp_path)
    file = photos / "test" / "cat" / "1.png"
    if change == "content":
        save(file, RED)
    elif change == "name":
        file.rename(file.with_name("2.png"))
    elif change == "class":
        for split in ("train", "test"):
            (photos / split / "cat").rename(photos / split / "lion")
    else:
        save(file.with_name("2.png"))
    assert ImageFolder("photos").fingerprint(tmp_path) != before


def break_nothing_there(photos):
    photos.rename(photos.with_name("pictures"))


def break_split(photos):
    (photos / "test").rename(photos / "validation")


def break_no_classes(photos):
    for kind in ("cat", "Dog"):
        (photos / "test" / kind).rename(photos / kind)


def break_empty_class(photos):
    for split in ("train", "test"):
        (photos / split / "eel").mkdir()


def break_classes_differ(photos):
    save(photos / "train" / "eel" / "0.png")


def break_truncated(photos):
    file = photos / "test" / "cat" / "1.png"
    file.write_bytes(file.read_bytes()[:-30])


def break_not_an_image(photos):
    (photos / "test" / "cat" / "1.png").write_bytes(b"PNG")


def break_deep(photos):
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(photos / "test" / "cat" / "1.png")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_nothing_there, "photos is no folder: set path"),
        (break_split, r"photos/test is no folder.*test/<class>/"),
        (break_no_classes, "photos/test holds no class folder"),
        (break_empty_class, "photos/train/eel holds no image"),
        (break_classes_differ, "photos/test has no folder for eel"),
        (break_truncated, r"test/cat/1\.png is no image.*replace it"),
        (break_not_an_image, r"test/cat/1\.png is no image.*replace it"),
        (break_deep, r"test/cat/1\.png is no image.*8 bits"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["new", "seen before"])
def test_a_folder_that_is_not_as_it_should_be(photos, tmp_path, damage, message, known):
    dataset = ImageFolder("photos")
    if known:
        dataset.prepare(tmp_path)
    damage(photos)
    with pytest.raises(DataError, match=message):
        dataset.prepare(tmp_path)


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="size must be at least 1"):
        ImageFolder("photos", size=0)


@pytest.fixture
def jpeg(tmp_path, home, monkeypatch):
    """A root with a folder cifar10-jpeg of two training images and one test image per class."""
    monkeypatch.setattr(Cifar10Jpeg, "per_class", {"train": 2, "test": 1})
    for label, kind in enumerate(Cifar10Jpeg.classes):
        for split, count in Cifar10Jpeg.per_class.items():
            for number in range(count):
                save(tmp_path / "cifar10-jpeg" / split / kind / f"{number:04}.jpg", (10 * label, 20 * number, 0))
    return tmp_path


def pack(root):
    """Replace the folder by its archive, its members in another order."""
    files = sorted((root / "cifar10-jpeg").rglob("*.jpg"), reverse=True)
    with zipfile.ZipFile(root / "cifar10-jpeg.zip", "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(root))
    (root / "cifar10-jpeg").rename(root / "unpacked")


def test_labels_are_those_of_cifar10(jpeg):
    Cifar10Jpeg().prepare(jpeg)
    train = Cifar10Jpeg().load(jpeg, "train")
    assert train.labels.tolist() == [label for label in range(10) for _ in range(2)]
    # JPEG moves a colour a little
    assert torch.allclose(train.images[:, 0, 0, 0].float(), 10.0 * train.labels, atol=4)
    assert Cifar10Jpeg.classes[3] == "cat"


def test_the_archive_is_the_same_data_set_as_the_folder(jpeg):
    fingerprint, data = Cifar10Jpeg().fingerprint(jpeg), Cifar10Jpeg().load(jpeg, "train")
    pack(jpeg)
    assert Cifar10Jpeg().fingerprint(jpeg) == fingerprint
    tree = Cifar10Jpeg().tree(jpeg)
    assert isinstance(tree, ArchiveTree)
    again = tree.decode("train", 32, resize=False)
    assert torch.equal(again.images, data.images)
    assert torch.equal(again.labels, data.labels)


def test_where_nothing_is_there_it_says_what_to_clone(tmp_path):
    for action in (Cifar10Jpeg().prepare, Cifar10Jpeg().fingerprint):
        with pytest.raises(DataError, match=r"cifar10-jpeg nor cifar10-jpeg\.zip.*git clone https://github\.com"):
            action(tmp_path)


def test_a_lacking_image_is_counted(jpeg):
    (jpeg / "cifar10-jpeg" / "train" / "cat" / "0001.jpg").unlink()
    with pytest.raises(DataError, match="train/cat holds 1 images instead of 2: fetch"):
        Cifar10Jpeg().fingerprint(jpeg)


def test_another_class_is_refused(jpeg):
    save(jpeg / "cifar10-jpeg" / "train" / "eel" / "0000.jpg")
    with pytest.raises(DataError, match="train/eel holds 1 images instead of 0: fetch"):
        Cifar10Jpeg().fingerprint(jpeg)


def test_an_image_of_another_size_is_refused(jpeg):
    save(jpeg / "cifar10-jpeg" / "test" / "cat" / "0000.jpg", size=(64, 32))
    with pytest.raises(DataError, match=r"test/cat/0000\.jpg .*64×32 pixels instead of 32×32"):
        Cifar10Jpeg().load(jpeg, "test")


def test_a_cut_off_archive_is_named(jpeg):
    pack(jpeg)
    archive = jpeg / "cifar10-jpeg.zip"
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"cifar10-jpeg\.zip is no complete zip archive"):
        Cifar10Jpeg().fingerprint(jpeg)


def test_a_damaged_member_is_named(jpeg):
    pack(jpeg)
    archive = jpeg / "cifar10-jpeg.zip"
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as opened:
        member = opened.getinfo("cifar10-jpeg/test/cat/0000.jpg")
    content[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"test/cat/0000\.jpg cannot be read.*fetch it again"):
        Cifar10Jpeg().fingerprint(jpeg)


@pytest.fixture
def real_jpeg(real_data, tmp_path, home):
    """A root of our own, so that nothing is written beside the real archive."""
    (tmp_path / "cifar10-jpeg.zip").symlink_to(real_data("cifar10-jpeg.zip").resolve())
    return tmp_path


@pytest.mark.data
def test_the_real_archive(real_jpeg, real_data):
    listing = Cifar10Jpeg().tree(real_jpeg).listing()
    for split, count in {"train": 5000, "test": 1000}.items():
        assert {kind: len(images) for kind, images in listing[split].items()} == dict.fromkeys(
            Cifar10Jpeg.classes, count
        )
    test = Cifar10Jpeg().load(real_jpeg, "test")
    assert test.images.shape == (10_000, 3, 32, 32)
    assert test.labels.tolist() == sorted([*range(10)] * 1000)
    with np.load(real_data("cifar10-test-first1017.npz")) as lossless:
        images, labels = (torch.from_numpy(lossless[key]) for key in ("images", "labels"))
    # within a class, the images stand in CIFAR-10's order
    for label in range(10):
        ours = test.images[test.labels == label].flatten(1).float()
        theirs = images[labels == label].permute(0, 3, 1, 2).flatten(1).float()
        assert torch.cdist(theirs, ours).argmin(1).tolist() == list(range(len(theirs)))
