#!/bin/bash
#SBATCH --job-name=tfinspect
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00
# Every task makes its own TF_CONFIG from what Slurm tells it. The paths are on shared storage.
set -euo pipefail

hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/.*/"&:2222"/' | paste -sd, -)
export hosts

srun bash -c '
  export TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]},
    \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec tfinspect train --data /shared/records --output /shared/runs/r1
'
