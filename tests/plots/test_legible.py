from tfinspect.plots.legible import legible


def test_letters_that_the_font_has_stay():
    assert legible(["grün", "кот", "a b"]) == ["grün", "кот", "a b"]


def test_label_with_a_letter_that_the_font_lacks_is_its_number():
    assert legible(["cat", "明るい"]) == ["cat", "#1"]
