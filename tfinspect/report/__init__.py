"""One self-contained HTML page about a model: what is in it, and how it looks inside."""

from tfinspect.report.write import ReportOptions, write_report

__all__ = ["ReportOptions", "write_report"]
