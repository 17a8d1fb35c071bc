"""How `tfinspect finetune` runs: in this process alone, or as one of a cluster."""

from collections.abc import Callable, Mapping
from typing import Any

from tfinspect_cli import finetune_output, training_output
from tfinspect_cli.cluster_part import ClusterPart, ending_at_once
from tfinspect_cli.emit import message
from tfinspect_cli.load_options import reported_failure


def refuse_what_is_not_shared(part: ClusterPart, options: Mapping[str, Any]) -> None:
    """Refuses what one process does, and clusters that fine-tuning has no use for.

    Raises:
      ConfigError: there are several processes, and such an option is given.
    """
    if part.cluster is None:
        return
    from tfinspect.cluster.synchronous import require_synchronous

    require_synchronous(part.cluster, "fine-tuning")
    if options["find_lr"]:
        part.refuse_rate_search()


def fine_tune(
    part: ClusterPart, request: Any, config: Any, output: str, shown: finetune_output.Shown
) -> None:
    """Starts a run and reports it."""
    if part.cluster is None:
        finetune_output.fine_tune(request, config, output, shown)
        return
    tell = finetune_output.telling(shown)
    whole = shown.whole_report and part.cluster.is_chief

    def start(runs: Any, one: Any) -> Any:
        with reported_failure(whole, shown.output_format):
            return runs.finetune(request, config, one, tell)

    _together(part, output, start)


def resume(part: ClusterPart, output: str) -> None:
    """Goes on with a run and reports it."""
    if part.cluster is None:
        service = part.data_service
        finetune_output.report(
            lambda m, observer: m.resume_finetuning(output, observer=observer, data_service=service)
        )
    else:
        _together(part, output, lambda runs, one: runs.resume_finetuning(one))


def _together(part: ClusterPart, output: str, start: Callable[[Any, Any], Any]) -> None:
    from tfinspect.transfer import cluster_finetune

    cluster = part.cluster
    assert cluster is not None
    with ending_at_once(part.waits):
        result = training_output.observed(
            lambda observer: start(cluster_finetune, part.of_run(output, observer, "finetune"))
        )
    if result is None:
        message(f"{cluster.name} is done; {cluster.leader} writes what is left to write.")
    else:
        finetune_output.tell_result(result)
