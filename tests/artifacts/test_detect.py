import shutil

import pytest
from oracle_files import CKPT_V1, CKPT_V2, OBJECT_BASED, copied

from tfinspect.artifacts import bundle, open_artifact
from tfinspect.errors import ArtifactError


@pytest.mark.parametrize(
    "spelling",
    ["", "/model.ckpt", "/model.ckpt.index", "/model.ckpt.data-00000-of-00001", "/checkpoint"],
    ids=["directory", "prefix", "index", "data", "state file"],
)
def test_every_spelling_opens_the_checkpoint(tmp_path, spelling):
    for suffix in (".index", ".data-00000-of-00001"):
        shutil.copy(f"{CKPT_V2}{suffix}", tmp_path / f"model.ckpt{suffix}")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt"\n')
    artifact = open_artifact(f"{tmp_path}{spelling}")
    assert artifact.path == f"{tmp_path}/model.ckpt"
    assert len(artifact.variables) == 51


def test_home_directory_is_understood(tmp_path, monkeypatch):
    copied(CKPT_V1, tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_artifact(f"~/{CKPT_V1.name}").kind == "V1 checkpoint"


def test_directory_that_was_moved_still_opens(tmp_path):
    copied(CKPT_V2, tmp_path)
    state = f'model_checkpoint_path: "/somewhere/else/{CKPT_V2.name}"\n'
    (tmp_path / "checkpoint").write_text(state)
    assert open_artifact(tmp_path).path == f"{tmp_path}/{CKPT_V2.name}"


def test_directory_with_one_checkpoint_needs_no_state_file(tmp_path):
    copied(CKPT_V2, tmp_path)
    assert len(open_artifact(tmp_path).variables) == 51


def test_state_file_that_names_a_missing_checkpoint_is_told(tmp_path):
    copied(OBJECT_BASED, tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "ckpt-4"\n')
    with pytest.raises(
        ArtifactError, match=r"names '.*ckpt-4', which is missing; there are: 'ckpt-3'"
    ):
        open_artifact(tmp_path)


def test_state_file_without_a_path_is_told(tmp_path):
    (tmp_path / "checkpoint").write_text("nothing")
    with pytest.raises(ArtifactError, match="names no checkpoint"):
        open_artifact(tmp_path)


def test_wrong_path_gets_the_nearest_artifacts(tmp_path):
    copied(OBJECT_BASED, tmp_path)
    with pytest.raises(ArtifactError, match=r"there is no '.*/ckpt-2'; nearest: '.*/ckpt-3'\."):
        open_artifact(tmp_path / "ckpt-2")


def test_wrong_path_with_nothing_near_it_is_told(tmp_path):
    with pytest.raises(ArtifactError, match=r"there is no '.*/runs/nope'; give the path of an"):
        open_artifact(tmp_path / "runs" / "nope")


def test_artifacts_of_quite_another_name_are_not_called_near(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "checkpoint").touch()
    with pytest.raises(ArtifactError, match=r"there is no '.*/nope'; give the path of an artifact"):
        open_artifact(tmp_path / "nope")


def test_slash_behind_a_file_is_no_guess(tmp_path):
    prefix = copied(CKPT_V2, tmp_path)
    with pytest.raises(ArtifactError, match=rf"there is no .*; nearest: '{prefix}'"):
        open_artifact(f"{prefix}.index/")


def test_two_checkpoints_in_one_directory_are_offered(tmp_path):
    first, second = copied(CKPT_V2, tmp_path), copied(OBJECT_BASED, tmp_path)
    with pytest.raises(ArtifactError, match=f"give one of those in it: '{second}', '{first}'"):
        open_artifact(tmp_path)


@pytest.mark.parametrize("name", ["m.ckpt", "m.keras", "m.h5", "m.pb", "m.meta", "m.index"])
def test_empty_file_is_told(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(ArtifactError, match=f"'{tmp_path / name}' is"):
        open_artifact(tmp_path / name)


def test_file_of_no_format_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(ArtifactError, match="is of none of the known formats"):
        open_artifact(tmp_path / "notes.txt")


def test_empty_directory_is_told(tmp_path):
    with pytest.raises(ArtifactError, match="is no artifact itself; nor does it hold any"):
        open_artifact(tmp_path)


def test_remote_path_is_told():
    with pytest.raises(ArtifactError, match="is remote; copy"):
        open_artifact("gs://bucket/model.ckpt")


def test_index_that_cannot_be_opened_is_told(tmp_path):
    prefix = copied(CKPT_V2, tmp_path)
    index = prefix.with_name(f"{prefix.name}.index")
    index.unlink()
    index.symlink_to(index)
    with pytest.raises(ArtifactError, match="there is no"):
        open_artifact(prefix)


@pytest.mark.parametrize("place", ["best", "checkpoints"])
def test_run_directory_gives_its_weights(tmp_path, place):
    (tmp_path / place).mkdir()
    copied(CKPT_V2, tmp_path / place)
    (tmp_path / "config.json").write_text("{}")
    assert open_artifact(tmp_path).path == f"{tmp_path}/{place}/{CKPT_V2.name}"


def test_best_weights_without_their_index_are_not_passed_over_in_silence(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for name in ("best", "checkpoints"):
        (tmp_path / name).mkdir()
    copied(CKPT_V2, tmp_path / "checkpoints")
    assert open_artifact(tmp_path).notes == ()
    (tmp_path / "best" / "model.ckpt-3.data-00000-of-00001").write_bytes(b"12")
    (note,) = open_artifact(tmp_path).notes
    assert f"'{tmp_path / 'best'}' has files, but no whole checkpoint" in note


def test_run_directory_without_weights_is_told(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ArtifactError, match="has no checkpoint in best or checkpoints"):
        open_artifact(tmp_path)


def _without_memory(*arguments):
    raise MemoryError


def test_lack_of_memory_while_opening_is_told_with_the_path(monkeypatch):
    monkeypatch.setattr(bundle, "open_bundle", _without_memory)
    with pytest.raises(ArtifactError, match=f"'{CKPT_V2}' needs more memory to be opened"):
        open_artifact(CKPT_V2)


@pytest.mark.parametrize("read", [lambda a, n: a.read(n), lambda a, n: a.read_part(n, 0)])
def test_lack_of_memory_while_reading_is_told_with_name_and_size(monkeypatch, read):
    artifact = open_artifact(CKPT_V2)
    monkeypatch.setattr(artifact, "_value", _without_memory)
    entry = artifact.variables[0]
    with pytest.raises(ArtifactError, match=f"'{entry.name}' in .* for its {entry.bytes:,} bytes"):
        read(artifact, entry.name)


@pytest.mark.parametrize("target", ["gone.ckpt", "loop.ckpt"])
def test_link_that_leads_nowhere_is_told(target, tmp_path):
    (tmp_path / "loop.ckpt").symlink_to(target)
    with pytest.raises(ArtifactError, match=f"is a link to '{target}', where nothing is"):
        open_artifact(tmp_path / "loop.ckpt")


def _run_directory(place):
    (place / "best").mkdir(parents=True)
    copied(CKPT_V2, place / "best")
    (place / "config.json").write_text("{}")
    return place


def test_runs_are_offered_of_the_directories_above_them(tmp_path):
    run = _run_directory(tmp_path / "runs" / "digits")
    for given in (tmp_path, tmp_path / "runs"):
        with pytest.raises(ArtifactError, match=f"; give one of those in it: '{run}'\\.$"):
            open_artifact(given)


def test_at_most_five_of_a_directory_are_named(tmp_path):
    for number in range(7):
        _run_directory(tmp_path / f"run{number}")
    with pytest.raises(ArtifactError, match="run4' and 2 more") as told:
        open_artifact(tmp_path)
    assert "run5" not in str(told.value)


def test_wrong_name_of_a_run_gets_the_nearest(tmp_path):
    run = _run_directory(tmp_path / "runs" / "digits")
    with pytest.raises(ArtifactError, match=f"there is no '.*/runs/digit'; nearest: '{run}'"):
        open_artifact(tmp_path / "runs" / "digit")


def test_empty_files_are_no_offers(tmp_path):
    (tmp_path / "empty.ckpt.index").touch()
    with pytest.raises(ArtifactError, match="give the path of an artifact"):
        open_artifact(tmp_path / "empty")
