"""What a run writes down of its split."""

from tiny_run import EXAMPLES, copy_run
from transfer_images import write_images

from tfinspect.data.prepare import prepare
from tfinspect.transfer.split_record import split_record


def test_every_image_of_a_folder_is_in_one_split_by_its_path(tmp_path):
    folder = write_images(tmp_path / "photos", {"a": 10, "b c": 10})
    record = split_record(*prepare(folder, seed=3))
    files = [name for part in record["splits"].values() for name in part["files"]]
    assert record["seed"] == 3
    assert sorted(files) == [f"{label}/{n:02}.png" for label in ("a", "b c") for n in range(10)]
    for part in record["splits"].values():
        assert len(part["files"]) == part["examples"] == sum(part["labels"].values())


def test_records_without_names_have_their_counts_alone(tmp_path):
    run = copy_run(tmp_path)
    record = split_record(run.data, run.manifest)
    assert {name: part["examples"] for name, part in record["splits"].items()} == EXAMPLES
    assert {part["files"] for part in record["splits"].values()} == {None}
