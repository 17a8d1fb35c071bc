"""`tfinspect check-records`: count, verify, look at and diagnose TFRecord files."""

import click

from tfinspect_cli.emit import emit, format_option, message
from tfinspect_cli.stages import stages
from tfinspect_cli.writable import check_writable

FOUND_SOMETHING = 1
# A longer histogram is printed with --labels alone.
MAX_LABEL_ROWS = 20


@click.command(
    "check-records",
    epilog="Example: tfinspect check-records records --contact-sheet records.png",
)
@click.argument("path")
@click.option("--contact-sheet", metavar="FILE", help="Draw some images of every label, as PNG.")
@click.option("--labels", is_flag=True, help="List counts by label instead of files.")
@format_option
@click.pass_context
def command(
    ctx: click.Context, path: str, contact_sheet: str | None, labels: bool, output_format: str
) -> None:
    """Count, verify, look at and diagnose TFRecord files.

    PATH is a file, a directory or a quoted glob. Every checksum is verified; labels, images,
    duplicates across splits and the manifest are checked. Findings go to standard error, one a
    line, and make the exit status 1.
    """
    check_writable(pictures=[contact_sheet])
    from tfinspect.data.check import check_records

    with stages() as progress:
        report = check_records(path, sample=contact_sheet is not None, progress=progress)
    if contact_sheet is not None:
        from tfinspect.plots.sample_sheet import write_sample_sheet

        title = f"{path}: {report.examples:,} examples"
        lacking = write_sample_sheet(contact_sheet, report.sample, title)
        if lacking is not None:
            message(f"Note: {lacking}.")
        message(f"Wrote {contact_sheet}")
    emit(report.label_rows() if labels else report.rows(), output_format)
    if output_format == "table" and not labels and len(report.label_rows()) <= MAX_LABEL_ROWS:
        click.echo()
        emit(report.label_rows(), output_format)
    for finding in report.findings:
        message(f"Finding: {finding}")
    if report.findings:
        ctx.exit(FOUND_SOMETHING)
