"""Two LND nodes with a channel between them, on a chain of their own by btcd."""
import asyncio
import base64
import json
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from .world import Process, eventually, expect, expect_equal, free_port, tool

CHANNEL_SAT = 10_000_000
# btcd's regtest has SegWit only once its miners have voted for it: three of its periods of 144 blocks. A reward can be
# spent after 100 more at the latest, and by then most can.
BLOCKS_AT_FIRST = 450


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


class Chain(Process):
    """btcd, regtest, without a peer. It mines when asked."""

    def __init__(self, folder: Path):
        port = free_port()
        self.rpc = f"127.0.0.1:{port}"
        self.user, self.password = "interop", secrets.token_hex(16)
        self.certificate = folder / "rpc.cert"
        super().__init__("btcd", folder, [str(tool("btcd")), f"--configfile={folder}/btcd.conf"], f"https://{self.rpc}")
        self._settings = {"regtest": "1", "datadir": str(folder / "data"), "logdir": str(folder / "logs"),
                          "nolisten": "1", "rpclisten": self.rpc, "rpcuser": self.user,
                          "rpcpass": self.password, "rpccert": str(self.certificate),
                          "rpckey": str(folder / "rpc.key"), "txindex": "1"}
        self._configure()

    def _configure(self) -> None:
        # In a file, because everybody can read a command line.
        file = self.folder / "btcd.conf"
        file.touch(0o600)
        file.write_text("[Application Options]\n" + "".join(f"{k}={v}\n" for k, v in self._settings.items()))

    async def call(self, method: str, *parameters):
        trust = ssl.create_default_context(cafile=str(self.certificate))
        async with httpx.AsyncClient(verify=trust, auth=(self.user, self.password), timeout=60) as client:
            answer = await client.post(f"https://{self.rpc}", json={"jsonrpc": "1.0", "id": 1, "method": method,
                                                                    "params": parameters})
        told = answer.json()
        expect(told["error"] is None, f"btcd: {method}: {told['error']}")
        return told["result"]

    async def answers(self) -> bool:
        if not self.certificate.exists():
            return False
        try:
            await self.call("getblockcount")
        except (httpx.HTTPError, ssl.SSLError):
            return False
        return True

    async def pay_miner(self, address: str) -> None:
        """A new start, because only then it takes an address to mine for."""
        self.stop()
        self._settings["miningaddr"] = address
        self._configure()
        await self.start()

    async def mine(self, blocks: int) -> int:
        """The height after it."""
        await self.call("generate", blocks)
        return await self.call("getblockcount")


@dataclass
class Paid:
    """How a payment ended: with its preimage, or why not."""
    preimage: bytes | None
    why: str


class LndNode(Process):
    """LND as it is released, but for the RPC servers that are left away; asked over REST."""

    def __init__(self, folder: Path, name: str, chain: Chain):
        self.peer_port, self.port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.certificate, self.certificate_key = folder / "tls.cert", folder / "tls.key"
        self.macaroons = folder / "data/chain/bitcoin/regtest"
        super().__init__(f"lnd-{name}", folder, [str(tool("lnd")), f"--lnddir={folder}"], self.url)
        file = folder / "lnd.conf"
        file.touch(0o600)
        file.write_text(f"""[Application Options]
alias={name}
listen=127.0.0.1:{self.peer_port}
rpclisten=127.0.0.1:{free_port()}
restlisten=127.0.0.1:{self.port}
noseedbackup=true
nobootstrap=true
trickledelay=50
maxbackoff=2s
[Bitcoin]
bitcoin.regtest=true
bitcoin.node=btcd
bitcoin.defaultchanconfs=1
[btcd]
btcd.rpchost={chain.rpc}
btcd.rpcuser={chain.user}
btcd.rpcpass={chain.password}
btcd.rpccert={chain.certificate}
""")

    def _client(self, timeout_s: float) -> httpx.AsyncClient:
        admin = (self.macaroons / "admin.macaroon").read_bytes().hex()
        return httpx.AsyncClient(base_url=self.url, timeout=timeout_s, headers={"Grpc-Metadata-macaroon": admin},
                                 verify=ssl.create_default_context(cafile=str(self.certificate)))

    async def answer(self, method: str, path: str, body: dict | None = None) -> httpx.Response:
        async with self._client(60) as client:
            return await client.request(method, path, json=body)

    async def call(self, method: str, path: str, body: dict | None = None) -> dict:
        answer = await self.answer(method, path, body)
        expect_equal(answer.status_code, 200, f"{self.name}: {method} {path}: {answer.text}")
        return answer.json()

    async def insist(self, method: str, path: str, body: dict) -> None:
        """For what a node refuses while it starts."""
        deadline = asyncio.get_running_loop().time() + 30
        while (answer := await self.answer(method, path, body)).status_code != 200:
            expect(asyncio.get_running_loop().time() < deadline, f"{self.name}: {method} {path}: {answer.text}")
            await asyncio.sleep(0.3)

    async def answers(self) -> bool:
        if not (self.macaroons / "admin.macaroon").exists():
            return False
        try:
            state = await self.answer("GET", "/v1/state")
            return state.status_code == 200 and state.json()["state"] in ("RPC_ACTIVE", "SERVER_ACTIVE")
        except (httpx.HTTPError, ssl.SSLError):
            return False

    async def info(self) -> dict:
        """Also while it starts."""
        try:
            answer = await self.answer("GET", "/v1/getinfo")
        except httpx.HTTPError:
            return {}
        return answer.json() if answer.status_code == 200 else {}

    async def follows(self, height: int) -> None:
        async def does():
            info = await self.info()
            return info.get("synced_to_chain") and info["block_height"] >= height
        await eventually(does, f"{self.name} does not follow the chain to block {height}", 90)

    async def has_channel(self) -> None:
        async def does():
            channels = (await self.call("GET", "/v1/channels"))["channels"]
            return channels and all(channel["active"] for channel in channels)
        await eventually(does, f"{self.name} has no active channel", 60)

    async def balance_msat(self) -> int:
        """What is the node's own in its channels; a payment that is locked in is nobody's."""
        return int((await self.call("GET", "/v1/balance/channels"))["local_balance"]["msat"])

    async def bake(self, *rights: str) -> bytes:
        """A macaroon with these rights only, as `lncli bakemacaroon` makes it."""
        permissions = [dict(zip(("entity", "action"), right.split(":"))) for right in rights]
        return bytes.fromhex((await self.call("POST", "/v1/macaroon", {"permissions": permissions}))["macaroon"])

    async def decode(self, invoice: str) -> dict:
        return await self.call("GET", f"/v1/payreq/{invoice}")

    async def invoice(self, payment_hash: bytes) -> dict:
        return await self.call("GET", f"/v1/invoice/{payment_hash.hex()}")

    async def becomes(self, payment_hash: bytes, state: str, patience_s: float = 30) -> dict:
        async def is_so():
            invoice = await self.invoice(payment_hash)
            return invoice if invoice["state"] == state else None
        return await eventually(is_so, f"{self.name}'s invoice does not become {state}", patience_s)

    async def payments(self, payment_hash: bytes) -> list[dict]:
        """Every payment of this hash, also those that failed."""
        told = await self.call("GET", "/v1/payments?include_incomplete=true&max_payments=1000")
        return [payment for payment in told["payments"] if payment["payment_hash"] == payment_hash.hex()]

    async def pay(self, invoice: str) -> Paid:
        """Returns at the end of the payment, which for a held one is when the other side has decided."""
        body = {"payment_request": invoice, "timeout_seconds": 60, "fee_limit_sat": "100", "no_inflight_updates": True}
        last = {}
        async with self._client(170) as client, client.stream("POST", "/v2/router/send", json=body) as answer:
            async for line in answer.aiter_lines():
                if line.strip():
                    last = json.loads(line)
        if "result" not in last:
            return Paid(None, last.get("error", last).get("message", "no answer"))
        payment = last["result"]
        if payment["status"] != "SUCCEEDED":
            return Paid(None, payment["failure_reason"])
        return Paid(bytes.fromhex(payment["payment_preimage"]), "")


class Lightning:
    """The operators' node, the buyers' node that has all the money, and the chain under them."""

    def __init__(self, folder: Path):
        self.chain = Chain(folder / "btcd")
        self.sellers = LndNode(folder / "lnd-sellers", "sellers", self.chain)
        self.buyers = LndNode(folder / "lnd-buyers", "buyers", self.chain)

    async def start(self) -> None:
        await self.chain.start()
        await self.buyers.start()
        address = (await self.buyers.call("GET", "/v1/newaddress?type=WITNESS_PUBKEY_HASH"))["address"]
        self.buyers.stop()
        await self.chain.pay_miner(address)
        height = await self.chain.mine(BLOCKS_AT_FIRST)
        await asyncio.gather(self.buyers.start(), self.sellers.start())
        await asyncio.gather(self.buyers.follows(height), self.sellers.follows(height))
        self.sellers_key = (await self.sellers.info())["identity_pubkey"]
        await self.buyers.insist("POST", "/v1/peers", {
            "addr": {"pubkey": self.sellers_key, "host": f"127.0.0.1:{self.sellers.peer_port}"}, "perm": True})
        await self.buyers.insist("POST", "/v1/channels", {
            "node_pubkey": base64.b64encode(bytes.fromhex(self.sellers_key)).decode(),
            "local_funding_amount": str(CHANNEL_SAT), "sat_per_vbyte": "2"})
        await self.mine(6)  # then it is announced
        await self.connected()

    async def mine(self, blocks: int) -> None:
        height = await self.chain.mine(blocks)
        await asyncio.gather(self.buyers.follows(height), self.sellers.follows(height))

    async def connected(self) -> None:
        """A payment can be made: an active channel is not yet one that the router knows."""
        await asyncio.gather(self.buyers.has_channel(), self.sellers.has_channel())

        async def has_route():
            return (await self.buyers.answer("GET", f"/v1/graph/routes/{self.sellers_key}/1000")).status_code == 200
        await eventually(has_route, "the buyers' node knows no route", 60)

    def stop(self) -> None:
        for process in (self.buyers, self.sellers, self.chain):
            process.kill()
