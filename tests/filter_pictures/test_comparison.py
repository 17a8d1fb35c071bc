import pytest
from oracle_files import CKPT_V2

from tfinspect.artifacts import open_artifact
from tfinspect.diff_sides import side_of
from tfinspect.errors import ConfigError
from tfinspect.filter_pictures.comparison import Comparison

# Leads the weights and both of their optimizer slots to one name.
CUT = ((r"^(tower_0/.*/weights).*$", r"\1"),)


def test_rules_are_of_the_same_names_as_those_of_diff():
    first = open_artifact(CKPT_V2)
    assert any(entry.name.startswith("tower_0/conv1/weights/Adam") for entry in first.variables)
    renamed = Comparison(CKPT_V2, CUT).under_names_of(first)
    assert [entry.name for entry in renamed.variables] == list(side_of(first, CUT).entries)


def test_two_variables_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="the rename rules lead both"):
        Comparison(CKPT_V2, (("^.*$", "beta1_power"),)).under_names_of(open_artifact(CKPT_V2))
