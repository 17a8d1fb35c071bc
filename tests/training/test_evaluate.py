import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
import tiny_data
from tiny_run import EXAMPLES, copy_run

from tfinspect.data.manifest import write_manifest
from tfinspect.errors import DataError, RunError
from tfinspect.model import load_model
from tfinspect.training import checkpoints, metrics, read_stamp
from tfinspect.training.evaluate import draw_confusion, evaluate
from tfinspect.training.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    return copy_run(tmp_path)


@pytest.fixture(scope="module")
def evaluated_run(tmp_path_factory):
    return copy_run(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture(scope="module")
def result(evaluated_run):
    return evaluate(evaluated_run.path, split="validation")


def test_measures_are_those_of_the_models_own_predictions(result, evaluated_run):
    pixels, labels = tiny_data.images(EXAMPLES["validation"], seed=1)
    model = load_model(evaluated_run.path)
    expected = metrics.measure(model.logits(model.preprocess(pixels.transpose(0, 2, 3, 1))), labels)
    assert result.loss == pytest.approx(expected.loss, rel=1e-6)
    np.testing.assert_array_equal(result.confusion, expected.confusion)


def test_the_summary_is_a_flat_record_for_json(result):
    summary = json.loads(json.dumps(result.summary()))
    assert list(summary)[:8] == [
        "split", "examples", "accuracy", "top5", "loss", "auroc", "auroc_classes", "ece",
    ]  # fmt: skip
    assert (summary["split"], summary["examples"]) == ("validation", 20)
    assert summary["weights"] == "best/model.ckpt-5"


def test_there_is_a_row_for_each_class(result):
    rows = result.class_rows()
    assert [row["label"] for row in rows] == list(tiny_data.LABELS)
    assert sum(row["examples"] for row in rows) == EXAMPLES["validation"]


def test_latest_weights_can_be_chosen(run):
    assert evaluate(run.path, split="train", weights="latest").weights == "checkpoints/model.ckpt-7"


def test_reads_of_other_splits_are_not_stamped(result, evaluated_run):
    assert result.test_reads is None
    assert not os.path.exists(f"{evaluated_run.path}/test_reads.json")


def test_every_read_of_the_test_split_is_stamped(run):
    assert evaluate(run.path).test_reads == 1
    result = evaluate(run.path)
    assert result.test_reads == 2
    last = read_stamp.reads(RunDirectory(run.path))[-1]
    assert (last.weights, last.accuracy) == ("best/model.ckpt-5", result.accuracy)
    assert last.data == run.manifest.fingerprint()


def test_other_data_can_be_measured(run, tmp_path):
    records = tiny_data.raw_records(*tiny_data.images(7, seed=9))
    tiny_data.write_data(str(tmp_path / "other"), {"test": records})
    assert evaluate(run.path, data=str(tmp_path / "other")).examples == 7


def test_data_with_other_labels_are_refused(run, tmp_path):
    shutil.copytree(run.data, tmp_path / "renamed")
    renamed = dataclasses.replace(run.manifest, label_names=("x", *tiny_data.LABELS[1:]))
    write_manifest(str(tmp_path / "renamed"), renamed)
    with pytest.raises(DataError, match=r"has the labels 'x', 'b'.* and 5 more and the run .*'a'"):
        evaluate(run.path, data=str(tmp_path / "renamed"))


def test_data_that_changed_since_training_are_refused(run):
    config = f"{run.path}/config.json"
    with open(config, encoding="utf-8") as stream:
        described = json.load(stream)
    described["data"]["fingerprint"] = "0" * 64
    with open(config, "w", encoding="utf-8") as stream:
        json.dump(described, stream)
    with pytest.raises(RunError, match=r"are not those that .* was trained on; .* --data"):
        evaluate(run.path)


def test_weights_that_give_nan_are_refused(run):
    prefix = f"{run.path}/best/model.ckpt-5"
    values = checkpoints.read(prefix)
    checkpoints.save(prefix, {name: value * np.nan for name, value in values.items()})
    with pytest.raises(RunError, match="not finite; the training diverged"):
        evaluate(run.path)
    assert not os.path.exists(f"{run.path}/test_reads.json")


def test_a_run_without_best_weights_says_what_to_do(run):
    shutil.rmtree(f"{run.path}/best")
    with pytest.raises(RunError, match=r"no best weights yet; go on with .*--resume"):
        evaluate(run.path)


def test_a_missing_run_is_named():
    with pytest.raises(RunError, match="no run directory 'nowhere'"):
        evaluate("nowhere")


def test_what_training_would_refuse_is_not_advised(tmp_path):
    (tmp_path / "README.md").write_text("text")
    with pytest.raises(RunError, match=r"README.md' is no run directory but a file; give the dir"):
        evaluate(str(tmp_path / "README.md"))
    with pytest.raises(RunError, match=r"no config.json; give the directory of a run\.$"):
        evaluate(str(tmp_path))
    run = tmp_path / "runs" / "digits"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    with pytest.raises(RunError, match=f"no config.json; give one of those in it: '{run}'\\.$"):
        evaluate(str(tmp_path / "runs"))
    with pytest.raises(RunError, match=f"digit'; nearest: '{run}'; `tfinspect train --output .*"):
        evaluate(str(tmp_path / "runs" / "digit"))


def test_the_confusion_matrix_is_drawn_into_the_run(run, result, tmp_path):
    path = draw_confusion(run.path, result, str(tmp_path / "copy.png"))
    assert path == f"{run.path}/confusion-validation.png"
    with open(path, "rb") as first, open(tmp_path / "copy.png", "rb") as second:
        assert first.read() == second.read()
