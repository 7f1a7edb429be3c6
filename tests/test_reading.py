"""Text files that somebody else wrote: what is read, and the sentence for what is not."""

import os
from pathlib import Path

import pytest

from benchsuite.errors import ConfigError
from benchsuite.reading import nesting, read_text


@pytest.mark.parametrize("content", ["", "text\r\nσ\n", "a\x00b"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf_8_is_read_with_and_without_a_mark(tmp_path, content, mark):
    (tmp_path / "file").write_bytes(mark + content.encode())
    assert read_text(tmp_path / "file") == content


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("text".encode("utf-16"), "its byte order mark says that it is UTF-16: save it as UTF-8"),
        (b"\xfe\xff\x00t", "UTF-16"),
        (b"na\xefve", "is not UTF-8: invalid continuation byte at byte 2"),
        (b"12345", "too large"),
    ],
)
def test_what_is_refused(tmp_path, content, part):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ConfigError, match=part):
        read_text(tmp_path / "file", most_bytes=4 if part == "too large" else 100)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for place, part in {
        tmp_path: "it is a folder",
        tmp_path / "pipe": "it is no regular file",
        Path("/dev/null"): "it is no regular file",
        tmp_path / "loop": "Too many levels of symbolic links",
        tmp_path / "none": "No such file",
        tmp_path / ("x" * 5000): "File name too long",
        Path("a\0b"): "null",
    }.items():
        with pytest.raises(ConfigError, match=part):
            read_text(place)


def test_nesting():
    assert nesting(1) == 0
    assert nesting([]) == 0
    assert nesting({"a": [1, {"b": 2}]}) == 3
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert nesting(deep) == 100_000
