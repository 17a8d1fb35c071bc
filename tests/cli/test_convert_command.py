import csv
import io
import json

import pytest
from click.testing import CliRunner
from made_sources import python_files, write_folder, write_tar

from tfinspect_cli.main import cli


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_tar(tmp_path_factory.mktemp("archive") / "small.tar.gz", python_files())


def invoke(*arguments):
    return CliRunner().invoke(cli, ["convert", *map(str, arguments)])


def test_the_table_has_a_line_per_split(archive, tmp_path):
    result = invoke(archive, tmp_path / "out", "--shards", 2)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines() if "─" not in line]
    assert lines == [
        ["split", "examples", "shards", "bytes"],
        ["train", "45", "2", "140,670"],
        ["validation", "5", "1", "15,630"],
        ["test", "10", "1", "31,260"],
    ]
    assert result.stderr == ""


def test_json_and_csv_hold_the_same(archive, tmp_path):
    rows = json.loads(invoke(archive, tmp_path / "out", "--format", "json").stdout)
    text = invoke(archive, tmp_path / "out", "--format", "csv").stdout
    assert rows[2] == {"split": "test", "examples": 10, "shards": 1, "bytes": 31260}
    assert list(csv.DictReader(io.StringIO(text))) == [
        {key: str(value) for key, value in row.items()} for row in rows
    ]


def test_options_reach_the_conversion(tmp_path):
    folder = write_folder(tmp_path / "photos", {"a": 4, "b": 4})
    (folder / "a" / "broken.png").write_bytes(b"")
    options = ["--schema", "raw", "--seed", 3, "--workers", 1, "--skip-corrupt"]
    result = invoke(folder, tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    assert result.stderr == "Skipped corrupt image 'a/broken.png'.\n"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["schema"], manifest["seed"], manifest["image_shape"]) == ("raw", 3, [6, 8, 3])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing", "Error: no data 'nothing': no such file or directory, "),
        ("empty", "Error: '{tmp}/empty' has no folder with images; give a folder of the form "),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path, source, message):
    (tmp_path / "empty").mkdir()
    source = tmp_path / source if source == "empty" else source
    result = invoke(source, tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message.format(tmp=tmp_path))
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_repeated_conversion_says_that_nothing_was_done(archive, tmp_path):
    first, second = (invoke(archive, tmp_path / "out") for _ in range(2))
    assert (first.stderr, second.stdout) == ("", first.stdout)
    assert second.stderr == (
        f"Nothing was done: '{tmp_path / 'out'}' holds this conversion already.\n"
    )
