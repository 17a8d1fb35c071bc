"""The help of commands with many options, section by section."""

import click

# Title -> names of parameters, in the order of the help page.
SECTIONS = {
    "Data": ("data", "skip_corrupt", "class_weights", "augment", "views"),
    "Network": ("unit", "depth", "net", "image_size", "width", "precision", "batch_norm_decay"),
    "Loading": (
        "exclude_scopes",
        "excluded_list",
        "rename",
        "moving_average",
        "keep_classifier",
        "whole_report",
        "load_report",
    ),
    "Stages": (
        "head_epochs",
        "tune_epochs",
        "tune_learning_rate",
        "gradual",
        "layer_decay",
        "batch_norm",
        "patience",
        "stages_file",
        "trainable_scopes",
        "random_features",
    ),
    "Training": (
        "epochs",
        "steps",
        "batch_size",
        "learning_rate",
        "optimizer",
        "momentum",
        "weight_decay",
        "schedule",
        "warmup_epochs",
        "boundaries",
        "label_smoothing",
        "ema_decay",
        "seed",
    ),
    "Summaries": ("summarize", "summarize_every", "summarize_gradients"),
    "Several devices and machines": (
        "devices",
        "batch_size_per_replica",
        "sync_batch_norm",
        "data_service",
        "cluster_timeout",
        "on_lost",
    ),
    "Run": (
        "config_file",
        "output",
        "resume",
        "find_lr",
        "dry_run",
        "keep_checkpoints",
        "output_format",
    ),
}


class SectionedCommand(click.Command):
    """A command whose help lists its options by section, and last those that no section names."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options, each section under its title."""
        helps = {one.name: one.get_help_record(ctx) for one in self.get_params(ctx)}
        named = {name for names in SECTIONS.values() for name in names}
        others = [name for name in helps if name not in named]
        for title, names in {**SECTIONS, "Other options": others}.items():
            rows = [row for name in names if (row := helps.get(name)) is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
