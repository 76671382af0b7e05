"""The processes of a run: mints, a relay, aditd. All on loopback and free ports, all ended with it."""
import asyncio
import contextlib
import ctypes
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cashu.core.crypto.keys import derive_keyset_id
from coincurve import PrivateKey, PublicKey

from .proxy import Proxy

HOUR_SAT = 100  # the price of an hour
DAY_SAT = 1000
LIBC = ctypes.CDLL(None)


class Failed(Exception):
    """A scenario found something that is not as it should be."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


def expect_equal(got, wanted, what: str) -> None:
    expect(got == wanted, f"{what}: {got!r}, expected {wanted!r}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def eventually(probe, what: str, patience_s: float = 30):
    """The first true answer of an async function. Polls, because what it asks is another process."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        found = await probe()
        if found:
            return found
        expect(asyncio.get_running_loop().time() < deadline, f"{what} (waited {patience_s:g} s)")
        await asyncio.sleep(0.1)


async def said_by(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command writes to its standard output; it has 90 s, and must end with 0."""
    child = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)
    try:
        said, complained = await asyncio.wait_for(child.communicate(), 90)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    expect(child.returncode == 0,
           f"{Path(command[0]).name} {command[1]} ended with {child.returncode}: "
           f"{complained.decode(errors='replace')[-2000:]}")
    return said.decode()


def die_with_parent() -> None:
    """In a child: even if we are killed, it does not stay behind."""
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A program that can be started, killed and started again on the same port and folder."""

    def __init__(self, name: str, folder: Path, command: list[str], probe_url: str, extra_env: dict | None = None):
        self.name, self.folder, self.command, self.probe_url = name, folder, command, probe_url
        self.log = folder / f"{name}.log"
        keep = {key: os.environ[key] for key in ("PATH", "LANG", "LD_LIBRARY_PATH") if key in os.environ}
        self.env = keep | {"HOME": str(folder), "TMPDIR": str(folder)} | (extra_env or {})
        self.child: subprocess.Popen | None = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(self.command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent)
        await eventually(self._ready, f"{self.name} does not start; its log ends with:\n{self.log_tail()}", 60)

    async def _ready(self) -> bool:
        if self.child.poll() is not None:
            raise Failed(f"{self.name} ended with {self.child.returncode}; its log ends with:\n{self.log_tail()}")
        return await self.answers()

    async def answers(self) -> bool:
        """Whether it does what it is for; here, that a page is there."""
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                return (await client.get(self.probe_url)).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """As a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """Politely; the exit status."""
        return self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """It does nothing any more, and its connections stay."""
        os.killpg(self.child.pid, signal.SIGSTOP)

    def _signal(self, number: int) -> int:
        if self.child is None:
            return 0
        if self.child.poll() is None:
            os.killpg(self.child.pid, number)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
        status, self.child = self.child.returncode, None
        return status

    def log_tail(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Mint:
    """A nutshell mint whose Lightning invoices pay themselves, with a proxy before it that aditd and buyers use."""

    def __init__(self, folder: Path, name: str, fee_ppk: int):
        self.name, self.folder, self.fee_ppk = name, folder, fee_ppk
        self.direct = f"http://127.0.0.1:{(port := free_port())}"
        self.process = Process(f"mint-{name}", folder, [str(tool("mint")), "--port", str(port)],
                               f"{self.direct}/v1/info", {
                                   "MINT_BACKEND_BOLT11_SAT": "FakeWallet",
                                   "MINT_PRIVATE_KEY": secrets.token_hex(32),
                                   "MINT_DATABASE": str(folder / "db"),
                                   "MINT_INPUT_FEE_PPK": str(fee_ppk),
                                   "MINT_RATE_LIMIT": "FALSE",
                                   "FAKEWALLET_DELAY_INCOMING_PAYMENT": "0",
                                   "CASHU_DIR": str(folder),
                               })
        self.proxy = Proxy(self.direct)

    async def start(self) -> None:
        await self.process.start()
        self.url = await self.proxy.start()

    async def become_old(self) -> None:
        """As if set up by a nutshell before 0.20: its keyset, still active, has an id of version 1. Before any sale."""
        async with httpx.AsyncClient() as client:
            keyset, = (await client.get(f"{self.direct}/v1/keys")).json()["keysets"]
        old_id = derive_keyset_id({int(amount): PublicKey(bytes.fromhex(key)) for amount, key in keyset["keys"].items()})
        self.process.stop()
        self._change("UPDATE keysets SET id = ?, version = '0.19.2'", old_id)
        await self.process.start()

    def _change(self, statement: str, *values: str) -> None:
        with contextlib.closing(sqlite3.connect(self.folder / "db" / "mint.sqlite3")) as db, db:
            db.execute(statement, values)

    async def rotate(self) -> None:
        """A new start with a new keyset; the one until now only redeems."""
        self.process.stop()
        self._change("UPDATE keysets SET active = FALSE")
        self.process.env["MINT_DERIVATION_PATH"] = "m/0'/0'/1'"
        await self.process.start()

    async def keysets(self) -> dict[str, bool]:
        """Whether each is active."""
        async with httpx.AsyncClient() as client:
            told = (await client.get(f"{self.direct}/v1/keysets")).json()["keysets"]
        return {keyset["id"]: keyset["active"] for keyset in told}

    async def states(self, ys: list[str]) -> list[str]:
        """What the mint itself says about proofs: UNSPENT, PENDING or SPENT."""
        if not ys:
            return []
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.post(f"{self.direct}/v1/checkstate", json={"Ys": ys})
        answer.raise_for_status()
        by_y = {state["Y"]: state["state"] for state in answer.json()["states"]}
        return [by_y[y] for y in ys]

    def fee(self, proofs: int) -> int:
        """NUT-02, in sat, for that many inputs."""
        return (proofs * self.fee_ppk + 999) // 1000


class Relay(Process):
    """nostr-relay, with its SQLite file in the folder."""

    def __init__(self, folder: Path):
        port = free_port()
        super().__init__("relay", folder, [str(tool("nostr-relay")), "-c", str(folder / "relay.yaml"), "serve"],
                         f"http://127.0.0.1:{port}/")
        self.url = f"ws://127.0.0.1:{port}"
        # JSON is YAML.
        (folder / "relay.yaml").write_text(json.dumps({
            "storage": {"sqlalchemy.url": f"sqlite+aiosqlite:///{folder}/relay.sqlite3", "validators": [
                f"nostr_relay.validators.{name}" for name in ("is_not_too_large", "is_signed", "is_recent")]},
            "gunicorn": {"bind": f"127.0.0.1:{port}", "workers": 1, "loglevel": "info"},
            "authentication": {"enabled": False},
            "subscription_limit": 32,
            "max_limit": 6000,
            "max_event_size": 65536,  # its default of 4096 is far less than public relays take
        }))


@dataclass
class Operator:
    """One aditd, its keys, and what it must have earned so far."""
    folder: Path
    mint: Mint
    relay_url: str
    name: str
    earned_sat: int = 0
    secrets_seen: list[str] = field(default_factory=list)  # what must not stand in its log

    def __post_init__(self):
        self.nsec = PrivateKey()
        self.sales_key = PrivateKey()
        self.reader = PrivateKey()  # of the person that notifications go to
        self.pubkey = self.nsec.public_key.format()[1:].hex()
        self.p2pk = "02" + self.sales_key.public_key.format()[1:].hex()
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.coordinate = f"30402:{self.pubkey}:{self.name}"
        self.process = Process(f"aditd-{self.name}", self.folder,
                               [str(tool("aditd")), "--config", str(self.folder / "config.toml"),
                                "--log-level", "debug"], f"{self.url}/health")
        for name, key in (("nsec", self.nsec), ("p2pk", self.sales_key)):
            file = self.folder / name
            file.touch(0o600)
            file.write_text(key.secret.hex())
        (self.folder / "config.toml").write_text(self._config())
        self.secrets_seen += [self.nsec.secret.hex(), self.sales_key.secret.hex()]

    def _config(self) -> str:
        return f"""
[server]
host = "127.0.0.1"
port = {self.port}
public_host = "{self.host}"
[db]
path = "{self.folder}/adit.db"
[wireguard]
backend = "memory"
endpoint_host = "127.0.0.1"
server_pubkey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
subnet_cidr = "10.211.0.0/24"
dns = ["1.1.1.1"]
[cashu]
enabled = true
p2pk_privkey_file = "{self.folder}/p2pk"
[nostr]
relays = ["{self.relay_url}"]
nsec_file = "{self.folder}/nsec"
[notifications]
enabled = true
pubkey = "{self.reader.public_key.format()[1:].hex()}"
[listing]
d_tag = "{self.name}"
title = "A tunnel for interoperability, with an \u00fcmlaut"
summary = "Loopback only."
content = "Long words \u2014 with \\"quotes\\",\\nlines\\tand tabs."
protocols = ["wireguard"]
policies = ["no-logs"]
[listing.region]
country = "DE"
sub = "Berlin"
geohash = "u33d"
[[listing.prices]]
amount = {HOUR_SAT}
currency = "sat"
unit = "hour"
[[listing.prices]]
amount = {DAY_SAT}
currency = "sat"
unit = "day"
[[listing.payment_methods]]
type = "cashu"
mint = "{self.mint.url}"
p2pk = "{self.p2pk}"
endpoint = "{self.url}/purchase"
"""

    def rows(self, query: str) -> list[tuple]:
        """Reads aditd's store while it runs."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/adit.db?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query).fetchall()

    def wallet(self) -> list[tuple[str, int]]:
        """Y and sat of every proof that aditd's store calls its own and unspent."""
        return self.rows("SELECT y, amount_sat FROM wallet_proofs WHERE state = 'unspent'")

    async def books_agree(self) -> None:
        """What the store says, what the sales came to, and what the mint would pay out are the same."""
        proofs = self.wallet()
        expect_equal(sum(sat for _, sat in proofs), self.earned_sat, "sat in the store's wallet")
        expect_equal(set(await self.mint.states([y for y, _ in proofs])) | {"UNSPENT"}, {"UNSPENT"},
                     "states at the mint of the store's proofs")


@dataclass
class World:
    folder: Path
    mints: dict[str, Mint] = field(default_factory=dict)
    operators: dict[str, Operator] = field(default_factory=dict)  # by the name of their mint
    relay: Relay | None = None

    async def start(self) -> None:
        (self.folder / "relay").mkdir(parents=True)
        self.relay = Relay(self.folder / "relay")
        self.mints = {name: Mint(self.folder / f"mint-{name}", name, fee)
                      for name, fee in (("free", 0), ("fee", 100), ("old", 0))}
        await asyncio.gather(self.relay.start(), *(mint.start() for mint in self.mints.values()))
        await self.mints["old"].become_old()
        for name, mint in self.mints.items():
            folder = self.folder / f"operator-{name}"
            folder.mkdir(mode=0o700)
            self.operators[name] = Operator(folder, mint, self.relay.url, f"interop-{name}")
        await asyncio.gather(*(operator.process.start() for operator in self.operators.values()))

    async def stop(self) -> None:
        for process in self.processes():
            process.stop()
        for mint in self.mints.values():
            if hasattr(mint, "url"):
                await mint.proxy.stop()

    def processes(self) -> list[Process]:
        return [operator.process for operator in self.operators.values()] + \
            [mint.process for mint in self.mints.values()] + ([self.relay] if self.relay else [])


def tool(name: str) -> Path:
    """Where interop/run put a program."""
    return Path(os.environ["INTEROP_" + name.upper().replace("-", "_")])
