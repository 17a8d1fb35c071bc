"""The guides name every flag of the scripts that they replace."""

import re
from pathlib import Path

import pytest
from tensorflow.python.tools import freeze_graph

from tfinspect import open_artifact

DOCS = Path(__file__).parents[1] / "docs"


def _flags(text):
    return re.findall(r"\w+", text)


# Of slim's research code in tensorflow/models, as it was last changed.
TRAIN = _flags("""
master train_dir num_clones clone_on_cpu worker_replicas num_ps_tasks num_readers
num_preprocessing_threads log_every_n_steps save_summaries_secs save_interval_secs task weight_decay
optimizer adadelta_rho adagrad_initial_accumulator_value adam_beta1 adam_beta2 opt_epsilon
ftrl_learning_rate_power ftrl_initial_accumulator_value ftrl_l1 ftrl_l2 momentum rmsprop_momentum
rmsprop_decay quantize_delay learning_rate_decay_type learning_rate end_learning_rate
label_smoothing learning_rate_decay_factor num_epochs_per_decay sync_replicas replicas_to_aggregate
moving_average_decay dataset_name dataset_split_name dataset_dir labels_offset model_name
preprocessing_name batch_size train_image_size max_number_of_steps use_grayscale checkpoint_path
checkpoint_exclude_scopes trainable_scopes ignore_missing_vars
""")
EVALUATE = _flags("""
batch_size max_num_batches master checkpoint_path eval_dir num_preprocessing_threads dataset_name
dataset_split_name dataset_dir labels_offset model_name preprocessing_name moving_average_decay
eval_image_size quantize use_grayscale
""")
EXPORT = _flags("""
model_name is_training image_size batch_size dataset_name labels_offset output_file dataset_dir
quantize is_video_model num_frames write_text_graphdef use_grayscale
""")
# TensorFlow's own script is installed.
FREEZE = re.findall(r'"--(\w+)"', Path(freeze_graph.__file__).read_text())


def _named(guide, begin, end):
    """The flags that the first column names between two texts."""
    text = (DOCS / guide).read_text()
    part = text[text.index(begin) : text.index(end, text.index(begin))]
    columns = [line.split("|")[1] for line in part.splitlines() if line.startswith("|")]
    return set(re.findall(r"--(\w+)", " ".join(columns)))


def test_flags_of_the_installed_script_are_found():
    assert len(FREEZE) >= 15
    assert "output_node_names" in FREEZE


@pytest.mark.parametrize(
    ("flags", "guide", "begin", "end"),
    [
        (TRAIN, "transfer.md", "`train_image_classifier.py`:", "The other scripts:"),
        (EVALUATE, "transfer.md", "| `eval_image_classifier.py", "| `export_inference_graph.py`"),
        (EXPORT, "transfer.md", "| `export_inference_graph.py`", "## From Python"),
        (FREEZE, "transfer.md", "| `export_inference_graph.py`", "## From Python"),
        (EXPORT, "extract.md", "`export_inference_graph.py`:", "`freeze_graph` of"),
        (FREEZE, "extract.md", "`freeze_graph` of TensorFlow:", "Others:"),
    ],
)
def test_every_flag_has_its_row(flags, guide, begin, end):
    assert set(flags) - _named(guide, begin, end) == set()


def test_checkpoint_is_written_as_the_guide_says(tmp_path, monkeypatch):
    text = (DOCS / "extract.md").read_text()
    code = re.search(r"## Write a checkpoint from Python\n\n```python\n(.*?)```", text, re.DOTALL)[
        1
    ]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code.replace("inception_v3", "cifar_resnet8_v1"), names)
    stored = open_artifact("weights/model.ckpt")
    expected = names["network"].variables_by_name()
    assert {entry.key for entry in stored.variables} == set(expected)
    for name, variable in expected.items():
        assert (stored.read(name) == variable.numpy()).all(), name
