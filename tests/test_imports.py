"""What an import costs, in a process of its own."""

import subprocess
import sys

import pytest

CLI = "from tfinspect_cli.main import cli; cli"
HEAVY = ("tensorflow", "matplotlib", "tf_keras", "keras", "sklearn", "h5py")


def _loaded_after(statement):
    code = f"import sys\n{statement}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().split("\n")[-1]


@pytest.mark.parametrize(
    "statement",
    [
        "import tfinspect",
        "import tfinspect; dir(tfinspect); tfinspect.TrainConfig(); tfinspect.TfinspectError",
        CLI + "(['--help'], standalone_mode=False)",
        CLI + "(['train', '--help'], standalone_mode=False)",
        CLI + "(['convert', '--help'], standalone_mode=False)",
        CLI + "(['evaluate', '--help'], standalone_mode=False)",
        CLI + "(['predict', '--help'], standalone_mode=False)",
        CLI + "(['check-records', '--help'], standalone_mode=False)",
        CLI + "(['nets'], standalone_mode=False)",
        "from tfinspect.nets.registry import list_specs; list_specs()",
    ],
)
def test_nothing_heavy_is_imported(statement):
    assert _loaded_after(statement) == "[]"


def test_every_public_name_exists_and_is_documented():
    import tfinspect

    for name in tfinspect.__all__:
        assert getattr(tfinspect, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tfinspect.nothing
