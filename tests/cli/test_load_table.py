from tfinspect.transfer.load_report import LOADED, LoadReport, LoadRow
from tfinspect_cli import load_options


def written(rows, capsys):
    load_options.write_report(LoadReport("net", "x.ckpt", tuple(rows)), "table", whole=True)
    return capsys.readouterr().out


def row(name, rule="same name", detail=""):
    return LoadRow(name, LOADED, rule, name, (2,), (2,), 2, detail)


def test_columns_that_say_nothing_are_left_out(capsys):
    assert written([row("a"), row("b")], capsys).splitlines()[0].split() == [
        "name", "status", "shape", "parameters",
    ]  # fmt: skip


def test_what_is_true_of_every_variable_is_said(capsys):
    told = written(
        [row(n, "rename a=>b", "converted from float64 to float32") for n in "ab"], capsys
    )
    assert told.count("converted from float64 to float32") == 2
    assert told.count("rename a=>b") == 2
