import html
import os
import re

import h5py
import numpy as np
import pytest
from oracle_files import CKPT_V2, ORACLE
from tiny_run import copy_run

from tfinspect import listing
from tfinspect.artifacts import open_artifact
from tfinspect.errors import TfinspectError
from tfinspect.report import ReportOptions, write_report

EVIL = "<script>alert(1)</script>&\"'"


def _page(source, tmp_path):
    path = write_report(str(source), str(tmp_path / "report.html"))
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def test_every_variable_stands_on_the_page(tmp_path):
    text = _page(CKPT_V2, tmp_path)
    for entry in open_artifact(CKPT_V2).variables:
        assert (f">{html.escape(entry.name)}</td>" in text) is not entry.slot


def test_totals_are_those_of_list_vars(tmp_path):
    totals = listing.totals(open_artifact(CKPT_V2).variables)
    assert f"<dt>Parameters</dt><dd>{totals.parameters:,}</dd>" in _page(CKPT_V2, tmp_path)


def test_same_source_gives_the_same_bytes(tmp_path):
    assert _page(CKPT_V2, tmp_path) == _page(CKPT_V2, tmp_path)


def test_run_shows_its_configuration(tmp_path):
    text = _page(copy_run(tmp_path).path, tmp_path)
    assert "<h2>Configuration</h2>" in text
    assert "training run of cifar_resnet8_v1" in text


@pytest.mark.slow
def test_run_with_examples_shows_activations_and_suspicious_labels(tmp_path):
    run = copy_run(tmp_path)
    options = ReportOptions(data=run.data, limit=20)
    path = write_report(run.path, str(tmp_path / "report.html"), options)
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles[:5] == ["Health", "Scopes", "Filters", "Activations", "Suspicious examples"]
    assert "FLOPs per example" in text
    assert os.path.getsize(path) < 10e6


def test_names_are_text_and_never_markup(tmp_path):
    path = tmp_path / "evil.weights.h5"
    with h5py.File(path, "w") as stream:
        group = stream.create_group("layers").create_group(EVIL.replace("/", "∕"))
        group.create_group("vars")["0"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    text = _page(path, tmp_path)
    assert "alert(1)" in text
    assert len(re.findall(r"<script", text)) == 1
    assert "&lt;script&gt;" in text


def test_nothing_is_written_when_the_source_cannot_be_read(tmp_path):
    with pytest.raises(TfinspectError, match="nope"):
        write_report(str(tmp_path / "nope"), str(tmp_path / "report.html"))
    assert os.listdir(tmp_path) == []


def test_graph_gives_operations_by_scope(tmp_path):
    assert "FLOPs per example" in _page(ORACLE / "tf1_artifacts/frozen/frozen.pb", tmp_path)


def test_what_breaks_a_model_stands_before_what_is_constant(tmp_path):
    path = tmp_path / "many.weights.h5"
    with h5py.File(path, "w") as stream:
        for n in range(300):
            stream[f"layers/a{n}/vars/0"] = np.zeros(4, np.float32)
        stream["layers/z/vars/0"] = np.array([1, np.nan, 2], np.float32)
    text = _page(path, tmp_path)
    assert "301 findings in the stored values: 1 nan, 300 all zero; the first 200" in text
    assert re.findall(r'<span class="tag">(.*?)</span>', text)[:2] == ["nan", "all zero"]


@pytest.mark.slow
def test_page_of_many_large_layers_stays_below_ten_megabytes(tmp_path):
    """Noise is what PNG packs worst; the graph of names is that of a large network."""
    path, random = tmp_path / "large.weights.h5", np.random.RandomState(0)
    with h5py.File(path, "w") as stream:
        for n in range(10):
            kernel = random.normal(size=(7, 7, 64, 512)).astype(np.float32)
            stream[f"layers/conv2d_{n}/vars/0"] = kernel
        for n in range(5000):
            stream[f"layers/batch_normalization_{n}/vars/0"] = random.normal(size=64)
    text = _page(path, tmp_path)
    assert "5,000" in text
    assert 1e6 < len(text.encode()) < 10e6
