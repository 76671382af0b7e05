"""Runs every scenario, or those whose names contain one of the words given, one line each."""
import asyncio
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from . import mint_sales, nostr
from .buyer import Purse
from .world import Failed, World

SAID = {"free": "mint without fee", "fee": "mint with fee", "old": "mint with a v1 keyset"}


def all_scenarios(world: World, folder: Path):
    """Name, what it says, and the function to call. In this order: later ones look at the sales of earlier ones."""
    purses = {name: Purse(mint, folder / f"purse-{name}") for name, mint in world.mints.items()}
    for name, operator in world.operators.items():
        for scenario in mint_sales.scenarios(name):
            yield (f"{SAID[name]}: {scenario.__doc__}",
                   lambda s=scenario, o=operator, p=purses[name]: s(world, o, p))
    for scenario in nostr.SCENARIOS:
        yield scenario.__doc__, lambda s=scenario: s(world, folder)


async def run(words: list[str]) -> int:
    passed, failed, skipped = 0, 0, 0
    folder = Path(tempfile.mkdtemp(prefix="adit-interop-"))
    world = World(folder)
    try:
        began = time.monotonic()
        await world.start()
        print(f"three mints, a relay and three aditd are up ({time.monotonic() - began:.1f} s)", flush=True)
        for name, scenario in all_scenarios(world, folder):
            if words and not any(word in name for word in words):
                continue
            began = time.monotonic()
            try:
                await asyncio.wait_for(scenario(), 180)
            except nostr.Skipped as why:
                skipped += 1
                print(f"skipped  {name}: {why}", flush=True)
                continue
            except Exception as wrong:
                failed += 1
                print(f"FAILED   {name}\n         {wrong or repr(wrong)}", flush=True)
                if not isinstance(wrong, Failed):
                    traceback.print_exc()
                continue
            passed += 1
            print(f"ok       {name} ({time.monotonic() - began:.1f} s)", flush=True)
    finally:
        await world.stop()
        if failed or sys.exc_info()[0]:
            print(f"logs and databases are in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    in_ci = os.environ.get("CI") == "true"
    return 1 if failed or not passed or (skipped and in_ci) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
