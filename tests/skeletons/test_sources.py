from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons import sources
from zsl_skeleton.skeletons.sources import Source, recording_files

FIRST = b"1 2 3\r\n" * 200


def write_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def names(root: Path) -> list[str]:
    base = root if root.is_dir() else root.parent
    return [source.relative_to(base) for source in recording_files(root, ".txt")]


def test_files_and_members_are_listed_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.txt").write_bytes(FIRST)
    (tmp_path / "b-2.TXT").write_bytes(FIRST)
    (tmp_path / "b" / "2.csv").touch()
    members = {
        "in/x.txt": b"x",
        "in/": b"",
        "__MACOSX/in/._x.txt": b"",
        "in/._x.txt": b"",
        "in/y.txt/": b"",
        "a.txt": b"a",
    }
    write_zip(tmp_path / "b" / "half.zip", members)
    assert names(tmp_path) == ["b/1.txt", "b/half.zip/a.txt", "b/half.zip/in/x.txt", "b-2.TXT"]
    assert names(tmp_path / "b" / "half.zip") == ["half.zip/a.txt", "half.zip/in/x.txt"]
    assert names(tmp_path / "b" / "1.txt") == ["1.txt"]
    assert names(tmp_path / "b" / "2.csv") == []


def test_a_member_reads_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "one.TXT").write_bytes(FIRST)
    path = write_zip(tmp_path / "both.zip", {"deep/one.TXT": FIRST})
    file, member = Source(tmp_path / "one.TXT"), Source(path, "deep/one.TXT")
    assert file.read_bytes() == member.read_bytes() == FIRST
    assert file.read_text() == member.read_text() == FIRST.decode().replace("\r\n", "\n")
    with file.open() as a, member.open() as b:
        assert a.read() == b.read() == FIRST
        assert b.seek(0) == 0
    assert (
        (file.name, file.stem, file.suffix) == (member.name, member.stem, member.suffix) == ("one.TXT", "one", ".txt")
    )
    assert str(member) == f"{tmp_path}/both.zip/deep/one.TXT"
    assert file.digest() != member.digest()


def test_an_archive_that_was_unpacked_beside_counts_once(tmp_path: Path) -> None:
    write_zip(tmp_path / "all.zip", {"one.txt": FIRST, "two.txt": FIRST})
    (tmp_path / "one.txt").write_bytes(FIRST)
    assert names(tmp_path) == ["all.zip/two.txt", "one.txt"]
    (tmp_path / "one.txt").write_bytes(FIRST[1:])
    assert len(names(tmp_path)) == 3


def test_an_archive_that_was_replaced_is_opened_again(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"one.txt": b"1"})
    before = Source(path, "one.txt").digest()
    os.utime(path, ns=(1, 1))
    assert Source(path, "one.txt").digest() == before
    write_zip(path, {"one.txt": b"22"})
    assert Source(path, "one.txt").read_bytes() == b"22"
    assert Source(path, "one.txt").digest() != before


def test_an_archive_is_opened_once_for_all_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "many.zip", {f"{i}.txt": b"x" for i in range(50)})
    opened = []

    class Counting(zipfile.ZipFile):
        def __init__(self, *args: object, **kwargs: object) -> None:
            opened.append(args)
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile, "ZipFile", Counting)
    assert {source.read_bytes() for source in recording_files(path, ".txt")} == {b"x"}
    assert len(opened) == 1


def change(path: Path, where: bytes, offset: int, value: bytes) -> None:
    content = bytearray(path.read_bytes())
    at = content.rindex(where) + offset
    content[at : at + len(value)] = value
    path.write_bytes(bytes(content))


CENTRAL = b"PK\x01\x02"


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, b"\x01", "is encrypted"),
        (10, struct.pack("<H", 9), "compression method 9"),
        (16, b"\0\0\0\0", "Bad CRC-32"),
        (24, struct.pack("<I", sources.MAX_BYTES + 1), "absurdly large"),
        (24, struct.pack("<I", 7), "cannot be read"),
        (24, struct.pack("<I", 5000), "cannot be read"),
    ],
)
def test_members_that_cannot_be_trusted(tmp_path: Path, offset: int, value: bytes, message: str) -> None:
    path = write_zip(tmp_path / "a.zip", {"one.txt": FIRST})
    change(path, CENTRAL, offset, value)
    with pytest.raises(InputError) as caught:
        Source(path, "one.txt").read_bytes()
    assert f"{path}/one.txt" in caught.value.what
    assert message in str(caught.value)


def test_a_bomb_is_not_unfolded_beyond_its_claim(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"one.txt": bytes(60 << 20)})
    change(path, CENTRAL, 24, struct.pack("<I", 1000))
    before = peak()
    with pytest.raises(InputError):
        Source(path, "one.txt").read_bytes()
    assert peak() - before < 20 << 20


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_a_truncated_archive_is_named(tmp_path: Path, share: float) -> None:
    path = write_zip(tmp_path / "a.zip", {"one.txt": FIRST, "two.txt": FIRST})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match=r"a\.zip cannot be read as a zip archive") as caught:
        recording_files(tmp_path, ".txt")
    assert "fetch it again" in caught.value.mend
    assert ("it is truncated" in caught.value.why) == (share > 0)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "nowhere.txt").symlink_to(tmp_path / "nothing")
    pipe, nowhere = sorted(recording_files(tmp_path, ".txt"), key=lambda source: source.name, reverse=True)
    with pytest.raises(InputError, match="not a regular file"):
        pipe.read_bytes()
    with pytest.raises(InputError, match="cannot be read") as caught:
        nowhere.digest()
    assert caught.value.why == "No such file or directory"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"12\xff")
    with pytest.raises(InputError, match="not UTF-8 text") as caught:
        Source(tmp_path / "a.txt").read_text()
    assert caught.value.why == "byte 2 cannot be decoded"


def test_a_damaged_archive_gives_the_right_bytes_or_an_error(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = write_zip(tmp_path / "a.zip", {"one.txt": FIRST, "deep/two.txt": random.bytes(300)})
    sound = path.read_bytes()
    contents = {FIRST, Source(path, "deep/two.txt").read_bytes()}
    right = wrong = 0
    for _ in range(2000):
        damaged = bytearray(sound)
        for at in random.integers(len(damaged), size=random.integers(1, 4)):
            damaged[at] = random.integers(256)
        with path.open("r+b") as stream:
            stream.write(bytes(damaged[: None if random.random() < 0.9 else random.integers(len(sound))]))
            stream.truncate()
        os.utime(path, ns=(right, wrong))
        try:
            for source in recording_files(path, ".txt"):
                assert source.read_bytes() in contents
                right += 1
        except InputError:
            wrong += 1
    assert min(right, wrong) > 100
