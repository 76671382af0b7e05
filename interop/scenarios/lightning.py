"""Sales for Lightning: aditd at one LND node, its buyers at another. What was paid, both nodes are asked."""
import asyncio
import base64
import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
from bech32 import bech32_encode, convertbits
from coincurve import PrivateKey
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .buyer import Order, Purse, even_key, tunnel
from .lnd import Lightning, LndNode, Paid
from .nostr import Skipped
from .proxy import Fault, NodeProxy
from .world import DAY_SAT, HOUR_SAT, Mint, Operator, World, eventually, expect, expect_equal, said_by, tool

RIGHTS = ("invoices:read", "invoices:write", "info:read")  # of the macaroon that README.md has operators bake
TIERS = {"hour": (0, HOUR_SAT, 3600), "day": (1, DAY_SAT, 86400), "month": (2, 500, 2592000)}
EXPIRY_S = 630  # an invoice lives for 600 s, and LND looks a little later
POLL_S = 12  # less than aditd's own wait between two looks: what is up before that was told, not found by asking


class Seller(Operator):
    """An aditd that takes Lightning payments as well, through a proxy before the sellers' node."""

    def __init__(self, folder: Path, mint: Mint, relay_url: str, name: str, node: LndNode, node_url: str, hold: bool):
        self.node, self.node_url, self.hold = node, node_url, hold
        self.received_msat = 0
        super().__init__(folder, mint, relay_url, name)

    def _config(self) -> str:
        return super()._config() + f"""
[[listing.payment_methods]]
type = "lightning"
endpoint = "{self.url}/lnurlp"
mechanism = "lnurl-pay"
[[listing.prices]]
amount = {TIERS["month"][1]}
currency = "sat"
unit = "month"
[lightning]
enabled = true
backend = "lnd"
base_url = "{self.node_url}"
macaroon_file = "{self.folder}/macaroon"
tls_cert_file = "{self.node.certificate}"
hold = {"true" if self.hold else "false"}
[limits]
requests_per_minute_per_source = 6000
"""

    def put_macaroon(self, macaroon: bytes) -> None:
        file = self.folder / "macaroon"
        file.touch(0o600)
        file.write_bytes(macaroon)
        self.secrets_seen += [macaroon.hex(), base64.b64encode(macaroon).decode()]

    @property
    def npub(self) -> str:
        return bech32_encode("npub", convertbits(bytes.fromhex(self.pubkey), 8, 5))

    async def get(self, path: str) -> dict:
        async with httpx.AsyncClient(timeout=45) as client:
            answer = await client.get(self.url + path if path.startswith("/") else path)
        return answer.json()

    def state(self, payment_hash: bytes) -> str:
        """Of the purchase that this invoice is for."""
        (state,), = self.rows("SELECT purchases.state FROM purchases JOIN invoices ON invoices.purchase = purchases.id "
                              f"WHERE payment_hash = '{payment_hash.hex()}'")
        return state

    async def becomes(self, payment_hash: bytes, state: str, patience_s: float = 30) -> None:
        async def is_so():
            return self.state(payment_hash) == state
        await eventually(is_so, f"the purchase does not become {state}", patience_s)

    async def is_well(self) -> bool:
        return (await self.get("/health"))["checks"]["lightning"] == "ok"


class Network:
    """The nodes and the sellers, started once for all scenarios."""

    def __init__(self, world: World, folder: Path):
        self.world, self.folder = world, folder
        self.lightning: Lightning | None = None
        self.sellers: dict[str, Seller] = {}
        self.unpaid: dict[str, Bought] = {}  # made at the start, for nobody to pay
        self._started: asyncio.Task | None = None

    async def start(self) -> None:
        if "INTEROP_LND" not in os.environ:
            raise Skipped(os.environ.get("INTEROP_LND_MISSING", "interop/run did not build LND"))
        if self._started is None:
            self._started = asyncio.create_task(self._start())
        await asyncio.shield(self._started)

    async def _start(self) -> None:
        self.lightning = Lightning(self.folder)
        await self.lightning.start()
        node = self.lightning.sellers
        self.buyers = self.lightning.buyers
        self.proxy = NodeProxy(node.port, node.certificate, node.certificate_key)
        url = await self.proxy.start()
        for name in ("plain", "hold"):
            folder = self.folder / f"operator-{name}"
            folder.mkdir(mode=0o700)
            seller = Seller(folder, self.world.mints["free"], self.world.relay.url, f"interop-{name}", node, url,
                            name == "hold")
            seller.put_macaroon(await node.bake(*RIGHTS))
            self.sellers[name] = seller
        await asyncio.gather(*(seller.process.start() for seller in self.sellers.values()))
        self.unpaid = {name: await Bought.ask(self, seller) for name, seller in self.sellers.items()}

    def stop(self) -> None:
        for seller in self.sellers.values():
            seller.process.stop()
        if self.sellers:
            self.proxy.stop()
        if self.lightning:
            self.lightning.stop()


@dataclass
class Bought:
    """An invoice as a wallet that follows the LUDs has it."""
    seller: Seller
    sat: int
    unit_s: int
    client_pubkey: str
    pr: str
    payment_hash: bytes
    action: dict
    verify_url: str

    @classmethod
    async def ask(cls, network: Network, seller: Seller, unit: str = "hour", quantity: int = 1, *,
                  client_pubkey: str | None = None, refund_pubkey: str | None = None) -> "Bought":
        """From the LNURL to an invoice, which the buyers' node decodes and agrees with."""
        index, price, unit_s = TIERS[unit]
        client_pubkey = client_pubkey or base64.b64encode(X25519PrivateKey.generate().public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)).decode()
        asked = {"p": index, "q": quantity, "client_pubkey": client_pubkey}
        if refund_pubkey:
            asked["refund_pubkey"] = refund_pubkey
        offer = await seller.get("/lnurlp?" + urlencode(asked))
        msat = price * quantity * 1000
        expect_equal((offer.get("tag"), offer.get("minSendable"), offer.get("maxSendable")), ("payRequest", msat, msat),
                     f"offer {offer}")
        answer = await seller.get(f"{offer['callback']}&amount={msat}")
        expect("pr" in answer, f"no invoice: {answer}")
        decoded = await network.buyers.decode(answer["pr"])
        expect_equal(decoded["destination"], network.lightning.sellers_key, "the invoice's payee")
        expect_equal(decoded["num_msat"], str(msat), "the invoice's msat")
        expect_equal(decoded["description_hash"], hashlib.sha256(offer["metadata"].encode()).hexdigest(),
                     "the invoice's description hash")
        expect_equal(decoded["expiry"], "600", "the invoice's seconds until it expires")
        payment_hash = bytes.fromhex(decoded["payment_hash"])
        expect(answer["verify"].endswith(payment_hash.hex()), "verify is about another payment hash")
        seller.secrets_seen += [answer["pr"], client_pubkey, payment_hash.hex()]
        return cls(seller, price * quantity, unit_s * quantity, client_pubkey, answer["pr"], payment_hash,
                   answer["successAction"], answer["verify"])

    async def verify(self) -> dict:
        return await self.seller.get(self.verify_url)

    def open(self, preimage: bytes) -> str:
        """The config in the success action, as LUD-10 has it."""
        expect_equal(hashlib.sha256(preimage).digest(), self.payment_hash, "SHA-256 of the preimage")
        self.seller.secrets_seen += [preimage.hex(), base64.b64encode(preimage).decode()]
        expect_equal(self.action["tag"], "aes", "success action")
        opener = Cipher(algorithms.AES(preimage), modes.CBC(base64.b64decode(self.action["iv"]))).decryptor()
        padded = opener.update(base64.b64decode(self.action["ciphertext"])) + opener.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        link = (unpadder.update(padded) + unpadder.finalize()).decode()
        expect("/config-viewer#" in link, "the success action is no link to the config viewer")
        encoded = link.split("#")[1]
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()

    async def is_live(self, config: str, patience_s: float = 30) -> None:
        """The session that the config names goes on for as long as was paid for, at the address that it names."""
        page = re.search(r"https?://\S+/session/([0-9a-f]+)", config)
        expect(page is not None, "the config does not name the session's URL")
        self.seller.secrets_seen.append(page[1])

        async def active():
            session = await self.seller.get(f"/session/{page[1]}")
            return session if session["status"] == "active" else None
        session = await eventually(active, "the tunnel is not up", patience_s)
        left = session["expires_at"] - time.time()
        expect(self.unit_s - 120 < left <= self.unit_s + 2, f"{left:.0f} s left of {self.unit_s}")
        address = re.search(r"^Address = ([\d.]+)/32$", config, re.MULTILINE)
        expect(address is not None, "the config has no address")
        expect((address[1],) in self.seller.rows("SELECT address FROM leases"), "the config's address is nobody's")

    async def settled_once(self) -> None:
        """The sellers' node has the money of one payment; its owner is told, with the preimage."""
        invoice = await self.seller.node.becomes(self.payment_hash, "SETTLED")
        expect_equal([htlc["state"] for htlc in invoice["htlcs"]], ["SETTLED"], "states of the invoice's HTLCs")
        expect_equal(invoice["amt_paid_msat"], str(self.sat * 1000), "msat paid")

        async def told():
            said = await self.verify()
            return said if said["settled"] else None
        said = await eventually(told, "verify does not say that it is settled")
        expect_equal(base64.b64decode(invoice["r_preimage"]).hex(), said["preimage"], "the preimage that verify tells")

    async def got_nothing(self) -> None:
        said = await self.verify()
        expect_equal((said["settled"], said["preimage"]), (False, None), "what verify says of an unpaid invoice")


async def books_agree(network: Network) -> None:
    """What the sellers have sold came into their node's channel, to the msat."""
    async def so():
        got = await network.lightning.sellers.balance_msat()
        return got == sum(seller.received_msat for seller in network.sellers.values())
    await eventually(so, "the sellers' node has not what its sales came to", 10)


async def sold(network: Network, bought: Bought, paid: Paid) -> None:
    expect(paid.preimage is not None, f"not paid: {paid.why}")
    await bought.is_live(bought.open(paid.preimage))
    await bought.settled_once()
    bought.seller.received_msat += bought.sat * 1000
    await books_agree(network)


async def paid_back(network: Network, bought: Bought, paid: Paid, before_msat: int) -> None:
    """The buyer keeps the money, and no tunnel is there."""
    expect(paid.preimage is None, "the buyer was charged")
    await network.lightning.sellers.becomes(bought.payment_hash, "CANCELED")

    async def back():
        return await network.buyers.balance_msat() == before_msat
    await eventually(back, "the buyers' node has not its money back")
    await bought.seller.becomes(bought.payment_hash, "released")
    await bought.got_nothing()
    await books_agree(network)


# ---- every seller --------------------------------------------------------------------------------------------------

async def wallet_buys(network: Network, seller: Seller) -> None:
    """LND decodes and pays the invoice, its preimage opens the config of a live tunnel, and nobody pays it twice"""
    for unit, quantity in (("hour", 1), ("day", 2)):  # less and more than an output of its own costs
        bought = await Bought.ask(network, seller, unit, quantity)
        await bought.got_nothing()
        await sold(network, bought, await network.buyers.pay(bought.pr))
        again = await network.buyers.pay(bought.pr)
        expect(again.preimage is None, "the invoice was paid twice")


async def pushed(network: Network, seller: Seller) -> None:
    """the node's own word brings the tunnel up: nobody asks, and it is there before aditd would look"""
    bought = await Bought.ask(network, seller)
    paying = asyncio.create_task(network.buyers.pay(bought.pr))
    await seller.becomes(bought.payment_hash, "active", POLL_S)
    await sold(network, bought, await paying)


async def adit(seller: Seller, *words: str) -> dict:
    """What `adit` says as JSON."""
    environment = {"HOME": str(seller.folder), "PATH": os.environ["PATH"]}
    return json.loads(await said_by(str(tool("adit")), *words, cwd=seller.folder, env=environment))


async def command_buys(network: Network, seller: Seller) -> None:
    """`adit buy --lightning --pay-with lnd` finds the listing, pays and gets a live tunnel; resumed, it pays no more"""
    node = network.buyers
    told = await adit(seller, "buy", seller.npub, "--relay", network.world.relay.url, "--tier", "day", "--lightning",
                      "--pay-with", "lnd", "--pay-url", node.url, "--pay-cert-file", str(node.certificate),
                      "--pay-macaroon-file", str(node.macaroons / "admin.macaroon"), "--file", "purchase.json",
                      "--yes", "--json")
    expect_equal((told["end"], told["stage"]), ("delivered", "delivered"), "how the purchase ended")
    expect("PrivateKey = " in told["config"], "the config has no private key")
    left = told["expires_at"] - time.time()
    expect(86400 - 120 < left <= 86402, f"{left:.0f} s left of a day")
    seller.secrets_seen.append(told["session"].rsplit("/", 1)[1])
    again = await adit(seller, "buy", "--resume", "purchase.json", "--json")
    expect_equal(again["config"], told["config"], "the config of the resumed purchase")
    expect_equal((await adit(seller, "status", "purchase.json", "--json"))["status"], "active", "status")
    record = json.loads((seller.folder / "purchase.json").read_text())
    answer = json.loads(record["lightning"]["answer"])
    seller.secrets_seen += [answer["pr"], record["lightning"]["preimage"]]
    payment_hash = bytes.fromhex((await node.decode(answer["pr"]))["payment_hash"])
    expect_equal([payment["status"] for payment in await node.payments(payment_hash)], ["SUCCEEDED"],
                 "the buyers' node's payments")
    await seller.node.becomes(payment_hash, "SETTLED")
    seller.received_msat += DAY_SAT * 1000
    await books_agree(network)


async def not_paid(network: Network, seller: Seller) -> None:
    """an invoice that the node gives up unpaid leaves no tunnel, and can not be paid any more"""
    bought = await Bought.ask(network, seller)
    await seller.node.call("POST", "/v2/invoices/cancel",
                           {"payment_hash": base64.b64encode(bought.payment_hash).decode()})
    await bought.got_nothing()
    await seller.becomes(bought.payment_hash, "released")
    paid = await network.buyers.pay(bought.pr)
    expect(paid.preimage is None, "a cancelled invoice was paid")
    await bought.got_nothing()
    await books_agree(network)


async def invoice_lost(network: Network, seller: Seller) -> None:
    """the node makes the invoice and its answer is lost: the buyer is told so, and asks again"""
    index, price, _ = TIERS["hour"]
    key = base64.b64encode(os.urandom(31) + b"\x11").decode()
    offer = await seller.get("/lnurlp?" + urlencode({"p": index, "q": 1, "client_pubkey": key}))
    network.proxy.arm(Fault.LOSE_ANSWER, "POST /v2/invoices/hodl" if seller.hold else "POST /v1/invoices")
    answer = await seller.get(f"{offer['callback']}&amount={price * 1000}")
    expect(network.proxy.struck.is_set(), "the proxy saw no request for an invoice")
    if "pr" not in answer:
        expect_equal((answer["status"], answer["reason"]), ("ERROR", "lightning-unreachable"), "the refusal")
    bought = await Bought.ask(network, seller, client_pubkey=key)
    await sold(network, bought, await network.buyers.pay(bought.pr))


async def killed_when_paid(network: Network, seller: Seller) -> None:
    """aditd is killed between the payment and the tunnel; restarted, it puts the tunnel, and is paid once"""
    bought = await Bought.ask(network, seller, "day")
    seller.process.freeze()
    paying = asyncio.create_task(network.buyers.pay(bought.pr))
    await seller.node.becomes(bought.payment_hash, "ACCEPTED" if seller.hold else "SETTLED")
    expect_equal(seller.state(bought.payment_hash), "open", "state of the purchase before the kill")
    seller.process.kill()
    await seller.process.start()
    await seller.becomes(bought.payment_hash, "active")
    await sold(network, bought, await paying)


async def node_restarts(network: Network, seller: Seller) -> None:
    """LND restarts: meanwhile nothing is sold, afterwards aditd hears from it again without having been touched"""
    lost = await Bought.ask(network, seller)  # its stream ends, if it has one
    await asyncio.to_thread(seller.node.stop)  # it hangs up on the proxy, which is ours to run

    async def ill():
        answer = await seller.get("/lnurlp/callback?" + urlencode(
            {"amount": HOUR_SAT * 1000, "p": 0, "k": base64.urlsafe_b64encode(b"\x09" * 31 + b"\x11").decode()}))
        expect("pr" not in answer, "an invoice without a node")
        return answer["reason"] == "lightning-unreachable" and not await seller.is_well()
    await eventually(ill, "aditd does not notice that the node is away")
    await seller.node.start()
    await network.lightning.connected()

    async def well():
        return await seller.is_well()
    await eventually(well, "aditd does not notice that the node is back", 60)
    await heard_from_again(seller)
    paying = asyncio.create_task(network.buyers.pay(lost.pr))
    await seller.becomes(lost.payment_hash, "active")
    await sold(network, lost, await paying)
    await pushed(network, seller)


async def heard_from_again(seller: Seller) -> None:
    async def is_so():
        log = seller.process.log.read_text(errors="replace")
        return log.rfind("lightning_events_connected") > log.rfind("lightning_events_lost") > 0
    await eventually(is_so, "aditd does not connect to the node's stream again", 60)


# ---- hold invoices -------------------------------------------------------------------------------------------------

async def killed_settling(network: Network, seller: Seller, fault: Fault, state: str) -> None:
    bought = await Bought.ask(network, seller, "day")
    network.proxy.arm(fault, "POST /v2/invoices/settle")
    paying = asyncio.create_task(network.buyers.pay(bought.pr))
    await asyncio.wait_for(network.proxy.struck.wait(), 30)
    seller.process.kill()
    network.proxy.release()
    expect_equal((await seller.node.invoice(bought.payment_hash))["state"], state, "the node's invoice after the kill")
    expect_equal(seller.state(bought.payment_hash), "settling", "state of the purchase after the kill")
    await seller.process.start()
    await sold(network, bought, await paying)


async def killed_before_settling(network: Network, seller: Seller) -> None:
    """aditd is killed with the tunnel up and before the node has heard that it may settle; restarted, it settles"""
    await killed_settling(network, seller, Fault.HOLD_REQUEST, "ACCEPTED")


async def killed_after_settling(network: Network, seller: Seller) -> None:
    """aditd is killed when the node has settled and not yet said so; restarted, it finds that out"""
    await killed_settling(network, seller, Fault.HOLD_ANSWER, "SETTLED")


async def too_much_held(network: Network, seller: Seller) -> None:
    """a held payment that can not be delivered, because a session ends within 5 years, goes back to the buyer"""
    first = await Bought.ask(network, seller, "month", 40)
    second = await Bought.ask(network, seller, "month", 40, client_pubkey=first.client_pubkey)
    await sold(network, first, await network.buyers.pay(first.pr))
    before = await network.buyers.balance_msat()
    await paid_back(network, second, await network.buyers.pay(second.pr), before)


async def too_late_held(network: Network, seller: Seller) -> None:
    """a held payment that aditd finds when its HTLC has few blocks left goes back to the buyer"""
    bought = await Bought.ask(network, seller, "day")
    before = await network.buyers.balance_msat()
    seller.process.kill()
    paying = asyncio.create_task(network.buyers.pay(bought.pr))
    invoice = await seller.node.becomes(bought.payment_hash, "ACCEPTED")
    expiry = min(htlc["expiry_height"] for htlc in invoice["htlcs"])
    height = (await seller.node.info())["block_height"]
    await network.lightning.mine(expiry - height - 20)
    await seller.process.start()
    await paid_back(network, bought, await paying, before)


# ---- invoices that settle by themselves ----------------------------------------------------------------------------

async def too_much_paid(network: Network, seller: Seller) -> None:
    """a settled payment that can not be delivered comes back as ecash that only the buyer can spend"""
    purse = Purse(seller.mint, network.folder / "purse-refund")
    await purse.fill(40_000)
    for _ in range(3):  # what is given back comes from other sales
        order = Order(seller, await purse.lock(seller, 100 * HOUR_SAT))
        tunnel(await order.send(), seller, hours=100)
    owner = even_key()
    first = await Bought.ask(network, seller, "month", 40)
    second = await Bought.ask(network, seller, "month", 40, client_pubkey=first.client_pubkey,
                              refund_pubkey=owner.public_key.format()[1:].hex())
    await sold(network, first, await network.buyers.pay(first.pr))
    paid = await network.buyers.pay(second.pr)
    expect(paid.preimage is not None, f"not paid: {paid.why}")

    async def refund():
        return (await second.verify()).get("refund")
    token = await eventually(refund, "verify tells of no refund")
    seller.secrets_seen.append(token)
    expect_equal(await purse.take(token, owner), second.sat, "sat that came back")
    await second.settled_once()
    seller.received_msat += second.sat * 1000
    await books_agree(network)


async def other_macaroons(network: Network, seller: Seller) -> None:
    """the log tells which right a macaroon lacks, as LND's own invoice.macaroon does; then the right one sells on"""
    right = (seller.folder / "macaroon").read_bytes()

    async def start_with(macaroon: bytes, words: bytes) -> None:
        await asyncio.to_thread(seller.process.stop)
        before = len(seller.process.log.read_bytes())
        seller.put_macaroon(macaroon)
        await seller.process.start()

        async def says():
            return words in seller.process.log.read_bytes()[before:]
        await eventually(says, f"the log does not say: {words.decode()}")

    await start_with(await seller.node.bake("info:read"), b'lightning_events_lost backend=lnd why="permission denied"')
    await start_with((seller.node.macaroons / "invoice.macaroon").read_bytes(), b"invoices:write and info:read")
    index, price, _ = TIERS["hour"]
    key = base64.urlsafe_b64encode(os.urandom(31) + b"\x11").decode()
    refusal = await seller.get("/lnurlp/callback?" + urlencode({"amount": price * 1000, "p": index, "k": key}))
    expect_equal(refusal.get("reason"), "lightning-unreachable", "the refusal of a sale")
    await start_with(right, b"lightning_node_usable")
    await pushed(network, seller)


# ---- at the end ----------------------------------------------------------------------------------------------------

async def expired(network: Network, seller: Seller) -> None:
    """an invoice that nobody pays is over for the node after ten minutes; no tunnel is left, and none can be bought"""
    (bought,) = (network.unpaid[name] for name, each in network.sellers.items() if each is seller)
    await seller.node.becomes(bought.payment_hash, "CANCELED", EXPIRY_S)
    paid = await network.buyers.pay(bought.pr)
    expect(paid.preimage is None, "an expired invoice was paid")
    await bought.got_nothing()
    await seller.becomes(bought.payment_hash, "released")
    await books_agree(network)


async def each_settled_once(network: Network, seller: Seller) -> None:
    """every invoice of the node that was paid was paid by one payment, and aditd knows of it; the others are over"""
    told = await seller.node.call("GET", "/v1/invoices?num_max_invoices=1000")
    for invoice in told["invoices"]:
        payment_hash = base64.b64decode(invoice["r_hash"])
        if invoice["state"] == "SETTLED":
            expect_equal([htlc["state"] for htlc in invoice["htlcs"]], ["SETTLED"], "states of a paid invoice's HTLCs")
            expect_equal([payment["status"] for payment in await network.buyers.payments(payment_hash)],
                         ["SUCCEEDED"], "payments of an invoice")
        else:
            expect(not any(htlc["state"] == "ACCEPTED" for htlc in invoice["htlcs"]), "a payment is still held")
    settled = sum(int(invoice["amt_paid_msat"]) for invoice in told["invoices"] if invoice["state"] == "SETTLED")
    expect_equal(settled, sum(s.received_msat for s in network.sellers.values()), "msat of the settled invoices")


async def quiet_end(network: Network, seller: Seller) -> None:
    """SIGTERM ends aditd with status 0; its debug log has no macaroon, preimage, invoice, buyer or session in it"""
    expect_equal(await asyncio.to_thread(seller.process.stop), 0, "exit status")
    log = seller.process.log.read_text(errors="replace")
    expect("session_active" in log, "the log says nothing of the sales")
    for secret in seller.secrets_seen:
        expect(secret not in log, f"the log has {secret[:12]}…")


HOLD = [killed_before_settling, killed_after_settling, too_much_held, too_late_held]
PLAIN = [too_much_paid, other_macaroons]
BOTH = [wallet_buys, pushed, command_buys, not_paid, invoice_lost, killed_when_paid]


def first(network: Network):
    """Before all others, since ten minutes pass until an invoice expires."""
    yield "LND: two nodes with a channel between them and two aditd start", network.start


def scenarios(network: Network):
    """Name and function of each, in order."""
    for name, said, own in (("plain", "LND", PLAIN), ("hold", "LND, hold invoices", HOLD)):
        for scenario in BOTH + own + [node_restarts, expired, each_settled_once, quiet_end]:
            yield f"{said}: {scenario.__doc__}", lambda s=scenario, n=name: run(network, s, n)


async def run(network: Network, scenario, name: str) -> None:
    await network.start()
    await scenario(network, network.sellers[name])
