from tfinspect.plots.legible import legible, legible_label, legible_text, substitutes


def test_letters_that_the_font_has_stay():
    assert legible(["grün", "кот", "a b"]) == ["grün", "кот", "a b"]


def test_label_with_a_letter_that_the_font_lacks_is_its_number():
    assert legible(["cat", "明るい"]) == ["cat", "#1"]


def test_a_label_without_a_number_and_a_file_name_lose_the_letters_alone():
    assert legible_label("明るい cat", None) == "? cat"
    assert legible_text("写真/img 6.png") == "?/img 6.png"


def test_substitutes_are_told_by_number_and_at_most_five_of_them():
    assert substitutes(["cat", "grün"]) is None
    assert substitutes({7: "明"}) == (
        "the pictures' font lacks letters of 1 label, drawn as numbers: #7 is '明'"
    )
    told = substitutes(["明"] * 7)
    assert told is not None
    assert told.count("明") == 5
    assert told.endswith(", and so on")
