"""Where photographs come from: every container says the same, and none is trusted."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from priorfit.errors import ImageFileError, ProblemError
from priorfit.train.sources import PhotographSource, list_photographs, read_labels
from tests.tiny import array

NAMES = ["cat/one.png", "cat/two.png", "dog/three.png"]
CLASSES = dict(zip(NAMES, ("cat", "cat", "dog"), strict=True))


def picture(seed: int = 0, side: int = 16) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array((side, side), seed=seed)).save(file, "PNG")
    return file.getvalue()


def lay(folder: Path, names=NAMES) -> Path:
    for seed, name in enumerate(names):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(picture(seed))
    return folder


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def packed(path: Path, **changed) -> Path:
    files = [picture(seed) for seed in range(3)]
    arrays = {
        "bytes": np.frombuffer(b"".join(files), np.uint8),
        "offsets": np.cumsum([0, *map(len, files)]),
        "label": np.array([0, 0, 1], np.int8),
        "classes": np.array(["cat", "dog"]),
        "is_test": np.array([False, True, False]),
    } | changed
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})
    return path


def listed(path: Path, labels: Path | None = None) -> dict[str, str | None]:
    with list_photographs(path, labels) as source:
        return {entry.name: entry.label for entry in source.entries}


def notes(path: Path) -> list[str]:
    with list_photographs(path) as source:
        return source.notes


def contents(source: PhotographSource) -> list[bytes]:
    return [entry.open().read() for entry in source.entries]


def test_folders_inside_are_classes(tmp_path):
    assert listed(lay(tmp_path)) == CLASSES


def test_without_folders_there_are_no_classes(tmp_path):
    assert listed(lay(tmp_path, ["b.png", "a.jpg"])) == {"a.jpg": None, "b.png": None}


def test_other_files_and_hidden_ones_are_no_photographs(tmp_path):
    lay(tmp_path, ["a.png", ".b.png", ".cache/c.png", "__MACOSX/d.png"])
    (tmp_path / "notes.txt").write_text("nothing")
    assert set(listed(tmp_path)) == {"a.png"}


def test_images_beside_folders_undo_the_classes_and_are_noted(tmp_path):
    lay(tmp_path, [*NAMES, "loose.png"])
    assert set(listed(tmp_path).values()) == {None}
    assert notes(tmp_path) == [
        "1 of 4 images lie beside the folders of the others: no classes were made of these"
    ]


@pytest.mark.parametrize("top", ["", "photos/"])
def test_a_zip_file_says_what_its_folder_would(tmp_path, top):
    path = zipped(tmp_path / "a.zip", {top + name: picture() for name in NAMES})
    assert listed(path) == {f"a.zip/{name}": label for name, label in CLASSES.items()}


def test_a_zip_of_one_class_keeps_it(tmp_path):
    path = zipped(tmp_path / "a.zip", {"cat/one.png": picture(), "cat/two.png": picture()})
    assert set(listed(path).values()) == {"cat"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_gives_back_its_bytes(tmp_path, method):
    path = zipped(tmp_path / "a.zip", {"a.png": picture()}, method)
    with list_photographs(path) as source:
        assert contents(source) == [picture()]


def test_a_pack_holds_classes_and_what_is_kept_for_judging(tmp_path):
    with list_photographs(packed(tmp_path / "p.npz")) as source:
        assert [entry.label for entry in source.entries] == ["cat", "cat", "dog"]
        assert [entry.test for entry in source.entries] == [False, True, False]
        assert contents(source) == [picture(seed) for seed in range(3)]


def test_a_pack_needs_neither_classes_nor_a_mark(tmp_path):
    path = packed(tmp_path / "p.npz", label=None, classes=None, is_test=None)
    with list_photographs(path) as source:
        assert {(entry.label, entry.test) for entry in source.entries} == {(None, False)}


TABLES = {
    "labels.csv": "name,class\ncat/one.png,x\ncat/two.png,y\n",
    "labels.json": json.dumps({"cat/one.png": "x", "cat/two.png": "y"}),
    "dataset.json": json.dumps({"labels": [["cat/one.png", "x"], ["./cat\\two.png", "y"]]}),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_goes_before_folders_in_every_container(tmp_path, name):
    lay(tmp_path / "d")
    (tmp_path / "d" / name).write_text(TABLES[name])
    expected = {"cat/one.png": "x", "cat/two.png": "y"}
    assert listed(tmp_path / "d") == expected
    assert notes(tmp_path / "d") == [
        "the table of classes lacks 1 of 3 images, which were left out"
    ]
    members = {n: picture() for n in NAMES} | {name: TABLES[name].encode()}
    path = zipped(tmp_path / "a.zip", members)
    assert listed(path) == {f"a.zip/{n}": c for n, c in expected.items()}
    other = zipped(tmp_path / "b.zip", {n: picture() for n in NAMES})
    assert listed(other, tmp_path / "d" / name) == {f"b.zip/{n}": c for n, c in expected.items()}


def test_a_table_that_says_there_are_no_classes_is_believed():
    assert read_labels("dataset.json", b'{"labels": null}') is None


def test_numbers_are_names_of_classes():
    assert read_labels("a.json", b'{"labels": [["a.png", 3]]}') == {"a.png": "3"}


def test_a_table_of_other_names_says_which_it_expects(tmp_path):
    lay(tmp_path)
    (tmp_path / "labels.csv").write_text("one.png,cat\n")
    with pytest.raises(ProblemError, match=r"has none of the 3 images.*'cat/one.png'"):
        listed(tmp_path)


words = st.text(
    st.characters(exclude_characters='\r\n\0",\\', exclude_categories=("Cs",)), min_size=1
)
rows = st.dictionaries(words.map(lambda w: w.strip() + ".png"), words.map(str.strip), min_size=1)


@given(rows)
def test_a_table_comes_back_from_csv_and_json(table):
    wanted = {name.removeprefix("./"): label for name, label in table.items()}
    text = "".join(f"{name},{label}\n" for name, label in table.items())
    assert read_labels("t.csv", text.encode()) == wanted
    assert read_labels("t.json", json.dumps(table).encode()) == wanted


@given(st.binary(max_size=64), st.sampled_from(["a.csv", "a.json"]))
def test_nonsense_in_a_table_is_one_sentence(text, name):
    try:
        read_labels(name, text)
    except ProblemError as error:
        assert "expected rows of file name and class" in str(error)


HOSTILE_TABLES = [
    b"[" * 100_000,
    b'{"labels": [["a.png", [1]]]}',
    b'{"a.png": null}',
    b'{"a.png": true}',
    b'{"labels": [["a.png"]]}',
    b"3",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("text", HOSTILE_TABLES)
def test_hostile_tables_are_refused(text):
    with pytest.raises(ProblemError):
        read_labels("labels.json", text)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"", "expected a folder"), (b"PK\x05\x06", "expected a folder")],
)
def test_what_is_no_source_is_refused(tmp_path, content, says):
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    with pytest.raises(ProblemError, match=says):
        listed(tmp_path / "x")


def test_an_empty_archive_holds_no_photographs(tmp_path):
    assert listed(zipped(tmp_path / "a.zip", {})) == {}


def test_names_that_lead_outside_write_nothing(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    path = zipped(inside / "a.zip", {"../../x.png": picture(), "/etc/x.png": picture()})
    with list_photographs(path) as source:
        assert contents(source) == [picture()]  # what begins with a dot is hidden
    assert {p.name for p in tmp_path.rglob("*")} == {"inside", "a.zip"}


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(1 << 26)})
    with (
        list_photographs(path) as source,
        pytest.raises(ImageFileError, match="would fill the memory"),
    ):
        source.entries[0].open()


def test_a_bomb_among_the_arrays_of_a_pack_is_refused(tmp_path):
    path = zipped(tmp_path / "p.npz", {"bytes.npy": bytes(1 << 26), "offsets.npy": b""})
    with pytest.raises(ProblemError, match=r"bytes.npy would fill the memory"):
        listed(path)


def test_a_member_that_lies_about_its_length_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(1000)}, zipfile.ZIP_STORED)
    short = (1000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(short, (900).to_bytes(4, "little")))
    with list_photographs(path) as source, pytest.raises(ImageFileError):
        source.entries[0].open()


@given(st.data())
def test_damage_anywhere_in_an_archive_is_an_error_of_ours(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    method = data.draw(st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
    path = zipped(folder / "a.zip", {"a.png": bytes(range(256)) * 4}, method)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        with list_photographs(path) as source:
            contents(source)
    except (ProblemError, ImageFileError):
        pass


BAD_PACKS = {
    "pickled": {"classes": np.array(["cat", {}], object)},
    "pickled bytes": {"bytes": np.array([{}], object)},
    "no offsets": {"offsets": None},
    "falling offsets": {"offsets": np.array([5, 3])},
    "negative offsets": {"offsets": np.array([-5, 3])},
    "offsets outside": {"offsets": np.array([0, 1 << 40])},
    "huge offsets": {"offsets": np.array([0, 1 << 63], np.uint64)},
    "offsets of words": {"offsets": np.array(["a", "b"])},
    "offsets of NaN": {"offsets": np.array([0, np.nan])},
    "no image": {"offsets": np.array([0])},
    "bytes in a square": {"bytes": np.zeros((4, 4), np.uint8)},
    "wide bytes": {"bytes": np.zeros(4, np.uint16)},
    "label of no class": {"label": np.array([0, 1, 2])},
    "negative label": {"label": np.array([0, 1, -1])},
    "labels of NaN": {"label": np.array([0, 1, np.nan])},
    "too few labels": {"label": np.array([0, 1])},
    "classes in one": {"classes": np.array("cat")},
    "marks of words": {"is_test": np.array(["no", "yes", "no"])},
    "too few marks": {"is_test": np.array([True])},
}


@pytest.mark.parametrize("what", BAD_PACKS)
def test_a_pack_that_contradicts_itself_is_refused(tmp_path, what):
    with pytest.raises(ProblemError):
        listed(packed(tmp_path / "p.npz", **BAD_PACKS[what]))


@given(st.binary(max_size=200))
def test_nonsense_instead_of_an_array_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("pack") / "p.npz"
    zipped(path, {"bytes.npy": content, "offsets.npy": content})
    with pytest.raises(ProblemError):
        listed(path)


def test_an_archive_inside_a_pack_is_no_array(tmp_path):
    inner = packed(tmp_path / "inner.npz").read_bytes()
    with pytest.raises(ProblemError, match="a row of plain numbers"):
        listed(zipped(tmp_path / "p.npz", {"bytes.npy": inner, "offsets.npy": inner}))
