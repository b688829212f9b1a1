from tests.tiny import photo, pixels


def test_a_jpeg_becomes_a_picture_without_artefacts(priorfit, folder):
    photo(folder / "a.jpg")
    assert priorfit("dejpeg", "a.jpg", "-o", "b.png").status == 0
    assert pixels(folder / "b.png").shape == (20, 24, 3)


def test_a_picture_that_is_no_jpeg_is_refused(priorfit, folder):
    photo(folder / "a.png")
    answer = priorfit("dejpeg", "a.png", "-o", "b.png", "--quiet")
    assert answer == (1, "", "priorfit: a.png: expected a JPEG file, got PNG\n")
