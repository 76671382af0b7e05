"""Buyers made of nutshell's wallet and coincurve: neither shares code with adit."""
import asyncio
import base64
import contextlib
import hashlib
import io
import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from cashu.core.base import Proof
from cashu.core.crypto.b_dhke import hash_to_curve
from cashu.core.secret import Secret, Tags
from cashu.wallet.helpers import deserialize_token_from_string
from cashu.wallet.wallet import Wallet
from coincurve import PrivateKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from loguru import logger

from .world import HOUR_SAT, Mint, Operator, expect, expect_equal, tool

logger.remove()  # nutshell's wallet speaks to standard error otherwise

PATIENCE_S = 60
GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def y_of(secret: str) -> str:
    return hash_to_curve(secret.encode()).format().hex()


def even_key() -> PrivateKey:
    """A key whose public key starts with 02, because nutshell's wallet only signs for the key as a lock spells it."""
    key = PrivateKey()
    if key.public_key.format()[0] == 2:
        return key
    return PrivateKey.from_int(GROUP_ORDER - int.from_bytes(key.secret, "big"))


@dataclass
class Locked:
    """A token on its way to an operator."""
    text: str
    ys: list[str]
    secrets: list[str]
    amount: int

    @classmethod
    def read(cls, text: str) -> "Locked":
        proofs = deserialize_token_from_string(text).proofs
        return cls(text, [y_of(proof.secret) for proof in proofs], [proof.secret for proof in proofs],
                   sum(proof.amount for proof in proofs))


class Purse:
    """nutshell's wallet as a library, at one mint."""

    def __init__(self, mint: Mint, folder: Path):
        self.mint, self.folder = mint, folder
        self.wallet: Wallet | None = None

    async def fill(self, sat: int) -> None:
        if self.wallet is None:
            with contextlib.redirect_stdout(io.StringIO()):  # it tells where to find its words
                self.wallet = await Wallet.with_db(self.mint.url, str(self.folder))
            await self.wallet.load_mint()
        quote = await self.wallet.request_mint(sat)
        await self.wallet.mint(sat, quote_id=quote.quote)
        await self.wallet.load_proofs(reload=True)

    async def lock(self, operator: Operator, sat: int, *, sig_all: bool = False, dleq: bool = True,
                   legacy: bool = False, or_key: PrivateKey | None = None) -> Locked:
        """A token worth `sat` to the operator, the mint's fee for it on top."""
        await self.hold(sat)
        tags = None
        if or_key:
            tags = Tags()
            tags["pubkeys"] = [or_key.public_key.format().hex()]
        return await self.token(sat, await self.wallet.create_p2pk_lock(operator.p2pk, sig_all=sig_all, tags=tags),
                                dleq=dleq, legacy=legacy)

    async def hold(self, sat: int) -> None:
        if self.wallet is None or self.wallet.available_balance.amount < sat + 50:
            await self.fill(4096)

    async def token(self, sat: int, lock: Secret | None, *, p2pk_e: str | None = None, dleq: bool = True,
                    legacy: bool = False) -> Locked:
        await self.hold(sat)
        # The wallet splits into powers of two. All it has goes in, because its own choice is now and then a sat short of
        # the fee.
        amount = next(amount for amount in range(sat, 2 * sat) if amount - self.mint.fee(amount.bit_count()) == sat)
        free = [proof for proof in self.wallet.proofs if not proof.reserved]
        _, proofs = await self.wallet.split(free, amount, secret_lock=lock, p2pk_e=p2pk_e)
        await self.wallet.set_reserved_for_send(proofs, reserved=True)
        text = await self.wallet.serialize_proofs(proofs, include_dleq=dleq, legacy=legacy)
        return Locked(text, [y_of(proof.secret) for proof in proofs], [proof.secret for proof in proofs],
                      sum(proof.amount for proof in proofs))

    async def take(self, text: str, key: PrivateKey) -> int:
        """Redeems a token that is locked to the key; the sat that came of it."""
        proofs: list[Proof] = deserialize_token_from_string(text).proofs
        await self.wallet._expand_short_keyset_ids(proofs)
        own, self.wallet.private_key = self.wallet.private_key, key
        try:
            kept, _ = await self.wallet.redeem(proofs)
        finally:
            self.wallet.private_key = own
        await self.wallet.load_proofs(reload=True)
        return sum(proof.amount for proof in kept)


class CommandLinePurse:
    """nutshell's `cashu` command, as a person would use it."""

    def __init__(self, mint: Mint, folder: Path):
        self.mint, self.folder = mint, folder
        folder.mkdir(parents=True)

    def _run(self, *words: str) -> str:
        ran = subprocess.run([str(tool("cashu")), "-y", "-h", self.mint.url, *words], cwd=self.folder, timeout=60,
                             env={"HOME": str(self.folder), "CASHU_DIR": str(self.folder), "TOR": "FALSE",
                                  "PATH": "/usr/bin:/bin"},
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
        expect(ran.returncode == 0, f"cashu {words[0]} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    async def run(self, *words: str) -> str:
        return await asyncio.to_thread(self._run, *words)

    async def fill(self, sat: int) -> None:
        asked = await self.run("invoice", str(sat), "--no-check")
        quote = re.search(r"--id (\S+)", asked)
        expect(quote is not None, f"no quote in what `cashu invoice` says: {asked}")
        await self.run("invoice", str(sat), "--id", quote[1])

    async def lock(self, operator: Operator, sat: int) -> Locked:
        return self._token(await self.run("send", str(sat), "--lock", f"P2PK:{operator.p2pk}"))

    async def pay(self, request: str) -> Locked:
        """Fulfils a NUT-18 payment request without a transport: the token is for us to carry."""
        return self._token(await self.run("pay", request))

    @staticmethod
    def _token(said: str) -> Locked:
        token = re.search(r"cashuB\S+", said)
        expect(token is not None, f"no token in what `cashu` says: {said}")
        return Locked.read(token[0])


class Order:
    """A purchase request that can be sent again and again: the same event, token and client key."""

    def __init__(self, operator: Operator, token: Locked | None, *, key: PrivateKey | None = None,
                 client_pubkey: str | None = None, refund_pubkey: str | None = None):
        self.operator, self.token = operator, token
        self.key = key or even_key()
        self.client_pubkey = client_pubkey or base64.b64encode(
            X25519PrivateKey.generate().public_key().public_bytes(
                serialization.Encoding.Raw, serialization.PublicFormat.Raw)).decode()
        self.body = {"protocol": "wireguard", "client_pubkey": self.client_pubkey}
        if refund_pubkey:
            self.body["refund_pubkey"] = refund_pubkey
        event = self._event()
        self.header = "Nostr " + base64.b64encode(json.dumps(event).encode()).decode()
        operator.secrets_seen += [self.header[6:], event["pubkey"], self.key.secret.hex()]
        if token:
            operator.secrets_seen += [token.text, *token.secrets]

    def _event(self) -> dict:
        now = int(time.time())
        event = {
            "pubkey": self.key.public_key.format()[1:].hex(), "created_at": now, "kind": 24242,
            "tags": [["t", "vpn-purchase"], ["expiration", str(now + 300)], ["server", self.operator.host],
                     ["a", self.operator.coordinate], ["price", str(HOUR_SAT), "sat", "hour"]],
            "content": "Buy a tunnel",
        }
        signed = [0, *(event[name] for name in ("pubkey", "created_at", "kind", "tags", "content"))]
        digest = hashlib.sha256(json.dumps(signed, separators=(",", ":"), ensure_ascii=False).encode()).digest()
        return event | {"id": digest.hex(), "sig": self.key.sign_schnorr(digest).hex()}

    async def send(self) -> httpx.Response:
        """One try. Raises httpx.HTTPError when no answer comes."""
        headers = {"Authorization": self.header} | ({"X-Cashu": self.token.text} if self.token else {})
        async with httpx.AsyncClient(timeout=45) as client:
            answer = await client.post(f"{self.operator.url}/purchase", json=self.body, headers=headers)
        if answer.status_code == 200 and "session_id" in answer.json():
            self.operator.secrets_seen.append(answer.json()["session_id"])
        return answer

    async def insist(self) -> httpx.Response:
        """As clients do: the same request again, while it is told to come back."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = await self.send()
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            wait = answer.headers.get("retry-after", "")
            expect(wait.isdigit(), f"503 without Retry-After: {answer.text}")
            await asyncio.sleep(min(int(wait), 5))


def tunnel(answer: httpx.Response, operator: Operator, hours: int = 1) -> dict:
    """The answer, which must be a tunnel for that long from about now on."""
    expect_equal((answer.status_code, answer.json().get("status")), (200, "ok"), f"answer {answer.text}")
    told = answer.json()
    expect_equal(told["quantity"], hours, "quantity")
    left = told["expires_at"] - time.time()
    expect(hours * 3600 - 120 < left <= hours * 3600 + 2, f"{left:.0f} s left of {hours} h")
    sections = re.findall(r"^\[(\w+)\]$", told["config"], re.MULTILINE)
    expect_equal(sections, ["Interface", "Peer"], "sections of the config")
    values = dict(re.findall(r"^(\w+) = (.+)$", told["config"], re.MULTILINE))
    expect(re.fullmatch(r"10\.211\.0\.\d+/32", values["Address"]) is not None, f"Address = {values['Address']}")
    expect_equal(values["PublicKey"], "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "PublicKey")
    expect_equal(values["Endpoint"], "127.0.0.1:51820", "Endpoint")
    expect_equal(values["AllowedIPs"], "0.0.0.0/0, ::/0", "AllowedIPs")
    expect(operator.host in told["config"], "the config does not name the session's URL")
    return told


def refused(answer: httpx.Response, status: int, reason: str) -> dict:
    told = answer.json()
    expect_equal((answer.status_code, told.get("reason")), (status, reason), f"answer {answer.text}")
    return told
