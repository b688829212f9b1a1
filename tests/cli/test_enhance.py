from priorfit.records.sidecar import load_sidecar
from tests.tiny import photo, pixels


def test_detail_is_boosted_as_much_as_asked(priorfit, folder):
    photo(folder / "a.png")
    assert priorfit("enhance", "a.png", "-o", "b.png", "--amount", 2, "--report").status == 0
    assert pixels(folder / "b.png").shape == (20, 24, 3)
    assert load_sidecar(folder / "b.png").options["amount"] == 2
    assert "unsharp mask" in (folder / "b.png.html").read_text()


def test_the_sidecar_says_how_to_make_the_same_bytes(priorfit, folder):
    photo(folder / "a.png")
    assert priorfit("enhance", "a.png", "-o", "b.png", "--amount", -1, "-q").status == 0
    repeat = load_sidecar(folder / "b.png").repeat
    assert priorfit("enhance", "a.png", "-o", "c.png", *repeat).status == 0
    assert (folder / "b.png").read_bytes() == (folder / "c.png").read_bytes()


def test_an_amount_out_of_range_is_wrong_usage(priorfit, folder):
    photo(folder / "a.png")
    assert priorfit("enhance", "a.png", "-o", "b.png", "--amount", 11).status == 2
