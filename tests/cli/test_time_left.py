from types import SimpleNamespace

from tfinspect_cli import training_output


def test_start_up_is_no_part_of_the_time_left(monkeypatch, capsys):
    times = iter([0.0, 100.0, 110.0])
    monkeypatch.setattr(training_output.time, "monotonic", lambda: next(times))
    lines = training_output.EpochLines()
    lines.step(1, 400)
    lines.epoch(SimpleNamespace(epoch=1, line=lambda total: f"epoch 1/{total}"), 4)
    # Ten seconds for one of four epochs.
    assert capsys.readouterr().err == "epoch 1/4  0:30 left\n"


def test_lines_take_the_place_of_the_running_step_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    lines = training_output.EpochLines()
    lines.step(1, 400)
    lines.epoch(SimpleNamespace(epoch=1, line=lambda total: f"epoch 1/{total}"), 4)
    lines.phase("next")
    clear = "\r\x1b[2K"
    told = capsys.readouterr().err
    assert told.startswith(f"{clear}step 1 of 400{clear}epoch 1/4  ")
    assert told.endswith(" left\nnext\n")
    lines.shown = 0.0
    lines.step(2, 400)
    lines.clear()
    assert capsys.readouterr().err == f"{clear}step 2 of 400{clear}"
