"""Arrays that are written and read without being in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import Parts, map_tensors, stream_tensors, write_tensors

DTYPES = ("u1", "i1", "?", "f2", "i2", "u2", "f4", "i4", "u4", "f8", "i8", "u8")


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """One array of every type, an empty one, and names that are not ASCII."""
    made = {f"a-{dtype}": np.arange(21).reshape(7, 3).astype(dtype) for dtype in DTYPES}
    return made | {"empty": np.zeros((0, 4), np.float32), "größe": np.ones((2, 2, 2), np.float32)}


def test_streaming_gives_the_bytes_of_writing_at_once(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_tensors(tmp_path / "whole", arrays)

    def read(array: np.ndarray) -> Iterator[np.ndarray]:
        return (array[i : i + 2] for i in range(0, len(array), 2))

    parts = {name: Parts(array.shape, array.dtype, partial(read, array)) for name, array in arrays.items()}
    stream_tensors(tmp_path / "parts", parts)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()
    assert load_file(tmp_path / "parts").keys() == arrays.keys()


def test_mapped_arrays_are_equal_and_read_only(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_tensors(tmp_path / "file", arrays)
    found = map_tensors(tmp_path / "file")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        with pytest.raises(ValueError, match="read-only"):
            found[name][:1] = 0


def test_parts_that_do_not_make_up_the_whole(tmp_path: Path) -> None:
    whole = np.zeros((4, 3), np.float32)
    for wrong, what in ((whole[:3], "3 rows"), (whole[:, :2], "shape"), (whole.astype(np.float16), "float16")):
        with pytest.raises(InputError, match=what):
            stream_tensors(tmp_path / "file", {"x": Parts(whole.shape, whole.dtype, lambda wrong=wrong: (wrong,))})
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_damaged_file_is_refused(tmp_path: Path, keep: int) -> None:
    write_tensors(tmp_path / "file", {"x": np.zeros((9, 9), np.float32)})
    content = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(content[:keep])
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        map_tensors(tmp_path / "file")
