import numpy as np

from tfinspect.data.record_report import LabelledImage
from tfinspect.plots import contact_sheet, sample_sheet

IMAGE = np.zeros((8, 8, 3), np.uint8)


def test_labels_that_the_font_cannot_write_are_numbers_and_told(tmp_path, monkeypatch):
    seen = []
    real = contact_sheet.write_contact_sheet
    monkeypatch.setattr(
        sample_sheet,
        "write_contact_sheet",
        lambda path, cells, **more: seen.extend(cells) or real(path, cells, **more),
    )
    images = [
        LabelledImage("cat", IMAGE, 0),
        LabelledImage("明", IMAGE, 3),
        LabelledImage("", IMAGE),
    ]
    told = sample_sheet.write_sample_sheet(str(tmp_path / "sheet.png"), images, "title")
    assert [cell.names for cell in seen] == [("cat",), ("#3",), ("",)]
    assert told is not None
    assert "#3 is '明'" in told
    assert sample_sheet.write_sample_sheet(str(tmp_path / "sheet.png"), images[:1], "") is None
