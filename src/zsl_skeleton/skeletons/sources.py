"""Where recordings lie: files below a folder and members of zip archives, read alike and never unpacked to the disk."""

from __future__ import annotations

import functools
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import sha256_file

ARCHIVE = ".zip"
MAX_BYTES = 64 << 20
"""An archive may claim anything; a member that says it unfolds to more than any recording has is not read."""

_ENCRYPTED = 0x1
# The others unfold as much as they like in one step, so that a claimed size could not be held against them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, KeyError, OSError)


@dataclass(frozen=True, order=True)
class Source:
    """A file on disk (``member`` is empty) or a member of the zip archive ``path``."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def name(self) -> str:
        """The last part, e.g. ``"a01.json"``."""
        return self.member.rpartition("/")[2] if self.member else self.path.name

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.rpartition(".")[0] or self.name

    @property
    def suffix(self) -> str:
        """The ending in lower case, e.g. ``".json"``."""
        before, _, ending = self.name.rpartition(".")
        return f".{ending}".lower() if before else ""

    def relative_to(self, base: Path) -> str:
        """The name below ``base``, with slashes."""
        # pathlib's own way takes ten times as long, which is felt with a hundred thousand members of an archive.
        return str(self).removeprefix(str(base / "_")[:-1])

    def open(self) -> BinaryIO:
        """A seekable stream of the content; a member is unfolded into memory.

        Raises:
            InputError: it cannot be read.
        """
        if self.member:
            return io.BytesIO(self.read_bytes())
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise InputError(f"{self} is not a regular file")  # reading a pipe would wait for ever
            return self.path.open("rb")
        except OSError as error:
            raise InputError(f"{self} cannot be read", why=error.strerror or str(error)) from error

    def read_bytes(self) -> bytes:
        """The content.

        Raises:
            InputError: it cannot be read; of a member: it is damaged, encrypted, or absurdly large.
        """
        if self.member:
            return self._unfolded()
        with self.open() as stream:
            try:
                return stream.read()
            except OSError as error:
                raise InputError(f"{self} cannot be read", why=error.strerror or str(error)) from error

    def read_text(self) -> str:
        """The content as UTF-8 text, lines ended by ``\\n``.

        Raises:
            InputError: it cannot be read or is not text.
        """
        try:
            text = self.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{self} is not UTF-8 text", why=f"byte {error.start} cannot be decoded") from error
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def digest(self) -> str:
        """What tells this content from another: hex SHA-256; of a member the CRC-32 and size that its archive records.

        Raises:
            InputError: it cannot be read.
        """
        if self.member:
            entry = self._entry()
            return f"crc32:{entry.CRC:08x}:{entry.file_size}"
        with self.open():  # says what is wrong with it
            return sha256_file(self.path)

    def _entry(self) -> zipfile.ZipInfo:
        try:
            return _archive(self.path).getinfo(self.member)
        except KeyError as error:
            raise InputError(f"{self} cannot be read", why="the archive holds no such member") from error

    def _unfolded(self) -> bytes:
        entry = self._entry()
        if entry.flag_bits & _ENCRYPTED:
            raise InputError(f"{self} is encrypted", mend=f"unpack the archive: unzip {self.path}")
        if entry.compress_type not in _METHODS:
            why = f"compression method {entry.compress_type} is not read here"
            raise InputError(f"{self} cannot be read", why=why, mend=f"unpack the archive: unzip {self.path}")
        if entry.file_size > MAX_BYTES:
            raise InputError(
                f"{self} is absurdly large for a recording",
                why=f"it claims {entry.file_size} bytes, more than {MAX_BYTES}",
                mend=f"if it is no recording but arrays, unpack the archive: unzip {self.path}",
            )
        try:
            with _archive(self.path).open(entry) as stream:
                # One byte more than claimed: reaches the end, where the check sum is compared, and never beyond.
                content = stream.read(entry.file_size + 1)
        except _DAMAGE as error:
            raise InputError(f"{self} cannot be read", why=str(error) or "it is truncated") from error
        if len(content) != entry.file_size:
            raise InputError(f"{self} cannot be read", why="it is truncated")
        return content


def recording_files(root: Path, suffix: str) -> list[Source]:
    """All sources with an ending, ordered by their name relative to the root.

    Args:
        root: a folder (searched at any depth, also in zip archives that lie there), a zip archive, or one file.
        suffix: ending in lower case, e.g. ``".skeleton"``.

    A member is left out where a file of the same name and size lies beside: the archive was unpacked. What macOS adds
    to archives is passed over.

    Raises:
        InputError: an archive is damaged or a folder cannot be listed.
    """
    base = root.parent if root.is_file() else root
    paths = [root] if root.is_file() else list(_walk(root))
    files = [source for source in map(Source, paths) if source.suffix == suffix]
    members = [found for path in paths if path.suffix.lower() == ARCHIVE for found in _members(path, suffix)]
    if files and members:
        unpacked = {(source.name, _size(source.path)) for source in files}
        members = [(source, size) for source, size in members if (source.name, size) not in unpacked]
    named = [(source.relative_to(base).split("/"), source) for source in (*files, *(source for source, _ in members))]
    return [source for parts, source in sorted(named) if parts[0] != "__MACOSX" and not source.name.startswith("._")]


def _walk(root: Path) -> Iterator[Path]:
    """Every file below a folder; a link to nowhere counts: it is to be listed as unreadable, not passed over."""

    def refuse(error: OSError) -> None:
        raise InputError(f"the folder {error.filename} cannot be listed", why=error.strerror or str(error)) from error

    for folder, _, names in os.walk(root, onerror=refuse):
        yield from (Path(folder, name) for name in names)


def _members(path: Path, suffix: str) -> list[tuple[Source, int]]:
    """Members with an ending and the sizes they claim."""
    entries = ((Source(path, entry.filename), entry) for entry in _archive(path).infolist() if not entry.is_dir())
    return [(source, entry.file_size) for source, entry in entries if source.suffix == suffix]


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _archive(path: Path) -> zipfile.ZipFile:
    """The archive, kept open: its directory of perhaps 60,000 members is read once, not for every one of them."""
    try:
        status = path.stat()
        return _opened(path, status.st_mtime_ns, status.st_size)
    except (*_DAMAGE, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(
            f"{path} cannot be read as a zip archive",
            why=reason or _cut(path) or str(error) or "it is truncated",
            mend="fetch it again, or take it out of the folder",
        ) from error


def _cut(path: Path) -> str:
    """What zipfile calls no archive is most often the beginning of one."""
    with path.open("rb") as stream:
        begins = stream.read(2) == b"PK"
    return "it is truncated: the list of its members, which stands at the end, cannot be read" if begins else ""


@functools.lru_cache(maxsize=8)
def _opened(path: Path, modified: int, size: int) -> zipfile.ZipFile:
    # The time and the size are part of the key only: an archive that was replaced is opened again.
    return zipfile.ZipFile(path)
