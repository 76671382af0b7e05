"""Runs every scenario, or those whose names contain one of the words given, one line each."""
import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from . import lightning, mint_sales, nostr
from .buyer import Purse
from .world import Failed, World

SAID = {"free": "mint without fee", "fee": "mint with fee", "old": "mint with a v1 keyset"}
PATIENCE_S = lightning.EXPIRY_S + 60  # for one scenario; the longest waits for an invoice to expire


def all_scenarios(world: World, network: lightning.Network, folder: Path):
    """Name and function of each. In this order: later ones look at what earlier ones sold."""
    yield from lightning.first(network)
    for name, operator in world.operators.items():
        purse = Purse(operator.mint, folder / f"purse-{name}")
        for scenario in mint_sales.scenarios(name):
            yield f"{SAID[name]}: {scenario.__doc__}", lambda s=scenario, o=operator, p=purse: s(world, o, p)
    for scenario in nostr.SCENARIOS:
        yield scenario.__doc__, lambda s=scenario: s(world, folder)
    yield from lightning.scenarios(network)


class Tally:
    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    async def take(self, name: str, scenario) -> None:
        began = time.monotonic()
        try:
            await asyncio.wait_for(scenario(), PATIENCE_S)
        except nostr.Skipped as why:
            self.skipped += 1
            print(f"skipped  {name}: {why}", flush=True)
        except Exception as wrong:
            self.failed += 1
            print(f"FAILED   {name}\n         {wrong or repr(wrong)}", flush=True)
            if not isinstance(wrong, Failed):
                traceback.print_exc()
        else:
            self.passed += 1
            print(f"ok       {name} ({time.monotonic() - began:.1f} s)", flush=True)

    def close(self) -> int:
        """The last line, and the exit status."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        skip_is_failure = os.environ.get("CI") == "true"
        return int(self.failed > 0 or (skip_is_failure and self.skipped > 0))


async def run(words: list[str]) -> int:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    folder = Path(tempfile.mkdtemp(prefix="adit-interop-"))
    world, tally = World(folder), Tally()
    network = lightning.Network(world, folder)
    try:
        await tally.take("three mints, a relay and three aditd start", world.start)
        if not tally.failed:
            for name, scenario in all_scenarios(world, network, folder):
                if not words or any(word in name for word in words):
                    await tally.take(name, scenario)
    finally:
        network.stop()
        await world.stop()
        if tally.failed:
            print(f"logs and databases are in {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return tally.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
