"""Runs the specification's Azure function once, as the host would: imports the file and awaits its main.

Usage: python run_timer.py FILE. What it logs goes to stdout.
"""

import asyncio
import importlib.util
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "stand-in"))
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s %(message)s")

import azure.functions as func  # noqa: E402

spec = importlib.util.spec_from_file_location("maintenance_timer", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
asyncio.run(module.main(func.TimerRequest()))
