"""`python -m tfinspect_cli`, the same as `tfinspect`."""

from tfinspect_cli.main import main

main()
