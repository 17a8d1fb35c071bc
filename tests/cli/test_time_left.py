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
