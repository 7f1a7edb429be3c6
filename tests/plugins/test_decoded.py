"""What is decoded once is kept: found again, kept whole, and never trusted when it or its source has changed."""

import os
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from benchsuite import DataError, ImageData
from benchsuite_plugins import decoded
from benchsuite_plugins.decoded import DecodedDataset

PIXELS = bytes(range(48))


@dataclass(frozen=True)
class Raw(DecodedDataset):
    """Two grey images of 2×2 per split, as plain bytes; a file of another length cannot be decoded."""

    cache_name: ClassVar[str] = "raw"
    calls: ClassVar[list[str]] = []

    def files(self, root):
        return [root / "pixels"]

    def decode(self, root, split):
        self.calls.append(split)
        content = bytearray((root / "pixels").read_bytes())
        if len(content) != len(PIXELS):
            raise DataError("pixels is truncated")
        return ImageData(torch.frombuffer(content, dtype=torch.uint8).view(12, 1, 2, 2), torch.arange(12))


@pytest.fixture
def root(tmp_path, home, monkeypatch):
    monkeypatch.setattr(Raw, "calls", [])
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "pixels").write_bytes(PIXELS)
    yield folder
    folder.chmod(0o755)


def cached(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "pixels")


def test_each_split_is_decoded_once(root):
    first, second = (Raw().load(root, "train") for _ in range(2))
    assert Raw.calls == ["train"]
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)
    assert (second.images.dtype, second.labels.dtype) == (torch.uint8, torch.int64)
    Raw().prepare(root)
    assert Raw.calls == ["train", "test"]


@pytest.mark.parametrize("left", [0, 5, 100, -1], ids=lambda left: f"cut at {left}")
def test_a_truncated_cache_is_decoded_again(root, left):
    expected = Raw().load(root, "train")
    (kept,) = root.rglob("*.safetensors")
    intact = kept.read_bytes()
    kept.write_bytes(intact[:left])
    assert torch.equal(Raw().load(root, "train").images, expected.images)
    assert Raw.calls == ["train", "train"]
    assert kept.read_bytes() == intact


def test_a_truncated_fingerprint_is_computed_again(root):
    fingerprint = Raw().fingerprint(root)
    (kept,) = cached(root)
    intact = kept.read_text()
    for damaged in (intact[:-1], intact[:64], "0" * 64, intact.replace(intact[3], "g"), "0" + intact[1:]):
        kept.write_text(damaged)
        assert Raw().fingerprint(root) == fingerprint
        assert kept.read_text() == intact


def test_a_changed_file_is_decoded_anew(root):
    before, fingerprint = Raw().load(root, "train"), Raw().fingerprint(root)
    (root / "pixels").write_bytes(PIXELS[::-1])
    os.utime(root / "pixels", ns=(0, 0))
    assert Raw().fingerprint(root) != fingerprint
    assert torch.equal(Raw().load(root, "train").images.flatten(), before.images.flatten().flip(0))


@pytest.mark.parametrize("replaced", [False, True], ids=["written over", "replaced"])
def test_a_file_that_changes_but_for_its_size_and_time_is_decoded_anew(root, replaced):
    pixels = root / "pixels"
    before, fingerprint, status = Raw().load(root, "train"), Raw().fingerprint(root), pixels.stat()
    written = root / "other" if replaced else pixels
    written.write_bytes(PIXELS[::-1])
    os.utime(written, ns=(status.st_atime_ns, status.st_mtime_ns))
    written.replace(pixels)
    assert (pixels.stat().st_size, pixels.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert Raw().fingerprint(root) != fingerprint
    assert torch.equal(Raw().load(root, "train").images.flatten(), before.images.flatten().flip(0))


@pytest.mark.parametrize("byte", [-1, -96, -140], ids=lambda byte: f"byte {byte}")
def test_a_changed_tensor_in_the_cache_is_decoded_again(root, byte):
    expected = Raw().load(root, "train")
    (kept,) = root.rglob("*.safetensors")
    intact = kept.read_bytes()
    damaged = bytearray(intact)
    damaged[byte] ^= 1
    kept.write_bytes(damaged)
    found = Raw().load(root, "train")
    assert torch.equal(found.images, expected.images)
    assert torch.equal(found.labels, expected.labels)
    assert kept.read_bytes() == intact


def test_the_bytes_are_hashed_once(root, monkeypatch):
    fingerprint = Raw().fingerprint(root)
    monkeypatch.setattr(Raw, "digest", lambda self, root: pytest.fail("hashed again"))
    assert Raw().fingerprint(root) == fingerprint


def test_a_protected_root_is_left_alone(root, home):
    root.chmod(0o555)
    Raw().load(root, "train")
    Raw().load(root, "train")
    assert Raw.calls == ["train"]
    assert cached(root) == []
    assert len(cached(home / "decoded")) == 2


def test_where_nothing_can_be_kept_the_data_are_still_read(root, home):
    root.chmod(0o555)
    home.write_text("a file where the folder should be")
    assert len(Raw().load(root, "train").labels) == 12


def test_what_cannot_be_decoded_is_not_kept(root):
    (root / "pixels").write_bytes(PIXELS[:-1])
    with pytest.raises(DataError, match="truncated"):
        Raw().prepare(root)
    assert list(root.rglob("*.safetensors")) == []


def test_an_interrupted_write_leaves_nothing(root, monkeypatch):
    Raw().fingerprint(root)

    def interrupted(tensors, file, metadata):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("safetensors.torch.save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Raw().load(root, "train")
    assert [file.suffix for file in cached(root)] == [".sha256"]


def test_a_missing_file_is_named(root):
    (root / "pixels").unlink()
    with pytest.raises(DataError, match=r"pixels is missing.*--data"):
        Raw().load(root, "train")


def test_a_new_version_of_the_decoders_starts_afresh(root, monkeypatch):
    Raw().load(root, "train")
    monkeypatch.setattr(decoded, "_FORMAT", decoded._FORMAT + 1)
    Raw().load(root, "train")
    assert Raw.calls == ["train", "train"]
