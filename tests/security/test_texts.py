"""Settings, descriptions and manifests that are nested, unfold, or build objects."""

import pytest
from attacks import NESTED, laughs, write_text

from tfinspect.cluster import tf_config
from tfinspect.data.manifest import read_manifest
from tfinspect.errors import ConfigError, DataError, RunError
from tfinspect.training.run_directory import open_run
from tfinspect.training.settings_file import read_settings


@pytest.mark.parametrize("name", ["deep.json", "deep.yaml"])
def test_settings_nested_too_deep_are_refused(tmp_path, name):
    path = write_text(tmp_path / name, NESTED[:5000] if name.endswith("yaml") else NESTED)
    with pytest.raises(ConfigError, match=rf"{name}' is nested too deep"):
        read_settings(str(path))


def test_few_lines_that_stand_for_a_billion_values_are_refused(tmp_path):
    path = write_text(tmp_path / "laughs.yaml", laughs("data"))
    assert path.stat().st_size < 1000
    with pytest.raises(ConfigError, match="stands for more than 10,000 values"):
        read_settings(str(path))


def test_settings_that_hold_themselves_are_refused(tmp_path):
    path = write_text(tmp_path / "self.yaml", "data: &again [*again, *again]\n")
    with pytest.raises(ConfigError, match="stands for more than 10,000 values"):
        read_settings(str(path))


def test_settings_of_a_megabyte_are_not_read(tmp_path):
    path = write_text(tmp_path / "large.yaml", "# " + "x" * (1 << 20))
    with pytest.raises(ConfigError, match="more than 1,048,576 characters"):
        read_settings(str(path))


@pytest.mark.parametrize(
    "tag", ["object/apply:os.system", "object/new:os.system", "name:os.system"]
)
def test_tags_that_call_python_are_refused(tmp_path, tag):
    made = tmp_path / "made"
    path = write_text(tmp_path / "tag.yaml", f"data: !!python/{tag} ['touch {made}']\n")
    with pytest.raises(ConfigError, match="could not determine a constructor for the tag"):
        read_settings(str(path))
    assert not made.exists()


def test_description_of_a_run_nested_too_deep_is_refused(tmp_path):
    write_text(tmp_path / "config.json", NESTED)
    with pytest.raises(RunError, match=r"config\.json' is no valid JSON"):
        open_run(str(tmp_path))


def test_manifest_nested_too_deep_is_refused(tmp_path):
    write_text(tmp_path / "manifest.json", NESTED)
    with pytest.raises(DataError, match="not a manifest of tfinspect"):
        read_manifest(str(tmp_path))


def test_cluster_configuration_nested_too_deep_is_refused():
    with pytest.raises(ConfigError, match="TF_CONFIG is no valid JSON"):
        tf_config.parse(NESTED)
