"""Vectors come in bound to classes, go out whole, and nothing is ever unpickled."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError, ZslError
from zsl_skeleton.semantics.curation import Curator, Selection, copy_for_curation, reject
from zsl_skeleton.semantics.exchange.embeddings import VectorImport, import_embeddings
from zsl_skeleton.semantics.exchange.embeddings_out import FORMATS, export_embeddings
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.encode import encode

TRUST = VectorImport(encoder="theirs", trust_order=True)
PLAIN = np.arange(1, 9, dtype=np.float32).reshape(2, 4)


@pytest.fixture
def embeddings(store: Store, pair: Dataset, semantics: Path) -> Artifact:
    """Class embeddings with a text missing in one slot."""
    folder = copy_for_curation(store, generate(store, pair, GenerateConfig(semantics=semantics)))
    reject(folder, Selection("1", "spatial.fine", 3), "wrong side", Curator("Ada"))
    return encode(store, Artifact.open(folder), "hashing")


def _save(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_round_trip(store: Store, pair: Dataset, embeddings: Artifact, tmp_path: Path, form: str) -> None:
    path = tmp_path / ("vectors" if form == "npy" else "vectors.safetensors")
    files = export_embeddings(embeddings, path, form)
    assert len(files) == (1 if form == "safetensors" else len(ClassEmbeddings.open(embeddings).slots) + 2)
    config = VectorImport(encoder="hashing") if form == "npy" else VectorImport()
    before, after = (ClassEmbeddings.open(a) for a in (embeddings, import_embeddings(store, pair, [str(path)], config)))
    after.check(pair)
    assert after.normalised and after.encoder.name == "hashing"
    assert form == "npy" or after.encoder == before.encoder
    for slot, vectors in before.slots.items():
        np.testing.assert_array_equal(after.slots[slot], vectors)
        np.testing.assert_array_equal(after.masks[slot], before.masks[slot])
    assert not after.masks["spatial.fine"].all()


def test_exports_are_deterministic_and_destroy_nothing(embeddings: Artifact, tmp_path: Path) -> None:
    (first,) = export_embeddings(embeddings, tmp_path / "a.safetensors", "safetensors")
    (second,) = export_embeddings(embeddings, tmp_path / "b.safetensors", "safetensors")
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(InputError, match="exists"):
        export_embeddings(embeddings, first, "safetensors")
    export_embeddings(embeddings, first, "safetensors", overwrite=True)
    with pytest.raises(UsageError, match="unknown format"):
        export_embeddings(embeddings, tmp_path / "c", "pt")


def test_one_vector_per_class_goes_out_as_a_matrix(embeddings: Artifact, tmp_path: Path) -> None:
    export_embeddings(embeddings, tmp_path, "npy")
    assert np.load(tmp_path / "motion.npy").shape == (2, 256)
    assert np.load(tmp_path / "spatial.fine.npy").shape == (2, 10, 256)
    assert (tmp_path / "class_names.txt").read_text() == "right hand greeting\nknee bend\n"


def test_rows_must_be_bound(store: Store, pair: Dataset, tmp_path: Path) -> None:
    file = _save(tmp_path / "motion.npy", PLAIN)
    with pytest.raises(UsageError, match="nothing says which class") as caught:
        import_embeddings(store, pair, [str(file)], VectorImport(encoder="theirs"))
    assert "--names-file" in caught.value.mend and "--trust-order" in caught.value.mend
    with pytest.raises(UsageError, match="which encoder"):
        import_embeddings(store, pair, [str(file)], VectorImport(trust_order=True))
    artifact = import_embeddings(store, pair, [str(file)], TRUST)
    found = ClassEmbeddings.open(artifact)
    np.testing.assert_array_equal(found.slots["motion"], PLAIN[:, None])
    assert not found.normalised and found.masks["motion"].all()
    assert import_embeddings(store, pair, [str(file)], TRUST).path == artifact.path


def test_a_names_file_binds_and_sorts(store: Store, pair: Dataset, tmp_path: Path) -> None:
    file, names = _save(tmp_path / "x.npy", PLAIN.astype(np.float64)), tmp_path / "names.txt"
    names.write_text("Knee_bend\nright hand greeting\n\n")
    config = VectorImport(encoder="theirs", names_file=names)
    found = ClassEmbeddings.open(import_embeddings(store, pair, [f"motion={file}"], config))
    np.testing.assert_array_equal(found.slots["motion"][:, 0], PLAIN[::-1])
    for wrong, problem in {
        "knee bend\n": "1 rows for the 2 classes",
        "a\nb\n": "differently",
        "a\n\nb\n": "blank",
    }.items():
        names.write_text(wrong)
        with pytest.raises(InputError) as caught:
            import_embeddings(store, pair, [f"motion={file}"], config)
        assert problem in str(caught.value)


def test_several_files_make_one_artifact(store: Store, pair: Dataset, tmp_path: Path) -> None:
    first, second = _save(tmp_path / "a.npy", PLAIN), tmp_path / "b.safetensors"
    save_file({"x": PLAIN, "y": 2 * PLAIN}, second)
    found = ClassEmbeddings.open(import_embeddings(store, pair, [f"action={first}", f"y={second}"], TRUST))
    np.testing.assert_array_equal(found.slots["y"][:, 0], 2 * PLAIN)
    with pytest.raises(UsageError, match="given twice"):
        import_embeddings(store, pair, [f"motion={first}", f"motion={first}"], TRUST)
    with pytest.raises(UsageError, match="holds the tensors x, y"):
        import_embeddings(store, pair, [f"motion={second}"], TRUST)
    with pytest.raises(UsageError, match="not a slot"):
        import_embeddings(store, pair, [str(_save(tmp_path / "ad_60.npy", PLAIN))], TRUST)
    with pytest.raises(InputError, match="float32"):
        other = _save(tmp_path / "c.npy", PLAIN[:, :2])
        import_embeddings(store, pair, [f"action={first}", f"motion={other}"], TRUST)


def _infinite() -> Any:
    array = PLAIN.copy()
    array[1, 2] = np.nan
    return array


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (PLAIN[0], "not an array of floats"),
        (PLAIN[None, None], "not an array of floats"),
        (PLAIN.astype(np.int64), "not an array of floats"),
        (PLAIN[:, :0], "not an array of floats"),
        (_infinite(), "not finite"),
        (PLAIN.astype(np.float64) * 1e300, "not finite"),
        (np.vstack([PLAIN, PLAIN]), "4 rows for 2 classes"),
        (PLAIN * np.array([[1], [0]], np.float32), "row 1 is all zeros"),
    ],
)
def test_wrong_arrays(store: Store, pair: Dataset, tmp_path: Path, array: Any, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        import_embeddings(store, pair, [str(_save(tmp_path / "motion.npy", array))], TRUST)
    assert problem in str(caught.value)
    assert store.all("embeddings") == []


class _Trap:
    """Unpickling it would leave a trace."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize("name", ["motion.pt", "motion.tar", "motion.pkl", "motion.npz", "motion.npy", "motion.txt"])
def test_pickles_are_never_opened(store: Store, pair: Dataset, tmp_path: Path, name: str) -> None:
    path, sprung = tmp_path / name, tmp_path / "sprung"
    path.write_bytes(pickle.dumps(_Trap(sprung)))
    with pytest.raises(ZslError) as caught:
        import_embeddings(store, pair, [str(path)], TRUST)
    if name in ("motion.pt", "motion.tar"):
        assert "pickle" in caught.value.why and "weights_only=True" in caught.value.mend
    np.save(tmp_path / "motion.npy", np.array([_Trap(sprung)], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"cannot be read as \.npy"):
        import_embeddings(store, pair, [str(tmp_path / "motion.npy")], TRUST)
    assert not sprung.exists()


def test_damaged_files(store: Store, pair: Dataset, embeddings: Artifact, tmp_path: Path) -> None:
    whole = _save(tmp_path / "motion.npy", PLAIN).read_bytes()
    (good,) = export_embeddings(embeddings, tmp_path / "good.safetensors", "safetensors")
    header = whole[:128].replace(b"(2, 4)", b"(2, 9)")
    cases = {
        "motion.npy": [whole[:-3], whole[:50], b"", b"PK\x03\x04", header + whole[128:]],
        "x.safetensors": [good.read_bytes()[:-3], b"", b"\xff" * 16],
    }
    for name, contents in cases.items():
        for damaged in contents:
            (tmp_path / name).write_bytes(damaged)
            with pytest.raises(InputError, match="cannot be read"):
                import_embeddings(store, pair, [str(tmp_path / name)], TRUST)
    with pytest.raises(InputError, match=r"not a file[\s\S]*mend: .*zsl-semantics export"):
        import_embeddings(store, pair, [str(tmp_path / "missing.npy")], TRUST)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no"):
        import_embeddings(store, pair, [str(tmp_path / "empty")], TRUST)
