"""A relay that is not ours, buyers in JavaScript, and the wallet as another client loads it."""
import json
import os
import time
from pathlib import Path

import httpx

from .buyer import CommandLinePurse, Order, Purse, refused, tunnel, y_of
from .mint_sales import answer_lost, sold
from .world import DAY_SAT, HOUR_SAT, Operator, World, eventually, expect, expect_equal, said_by, tool


class Skipped(Exception):
    """What a scenario needs is not on this machine. In CI that counts as a failure."""


async def javascript(install: str, script: str, **arguments) -> dict:
    """Runs a script of js/<install>; the JSON that it says last."""
    if "INTEROP_JS" not in os.environ:
        raise Skipped(os.environ.get("INTEROP_JS_MISSING", "interop/run did not install the JavaScript part"))
    folder = tool("js") / install
    said = await said_by(str(tool("node")), script, json.dumps(arguments), cwd=folder)
    return json.loads(said.splitlines()[-1])


async def inspect(world: World, operator: Operator) -> dict:
    return await javascript("buyer", "inspect.mjs", relay=world.relay.url, nsec=operator.nsec.secret.hex())


async def backup(world: World, operator: Operator) -> dict:
    """What the relay has, once its token events are the store's wallet; they follow a sale, and not by and by."""
    async def same():
        found = await inspect(world, operator)
        return found if {y_of(p["secret"]) for p in found["proofs"]} == {y for y, _ in operator.wallet()} else None
    return await eventually(same, "the relay's token events do not become what the store has", 20)


async def listing_on_the_relay(world: World, folder: Path) -> None:
    """nostr-tools finds the listing and the relay list on a real relay, and they verify"""
    for operator in world.operators.values():
        found = await inspect(world, operator)
        expect_equal([found["kinds"].get(kind) for kind in ("30402", "10002", "17375", "10019")], [1, 1, 1, 1],
                     "events of the kinds 30402, 10002, 17375, 10019")
        tags = found["listings"][0]["tags"]
        expect(len(found["listings"][0]["content"].splitlines()) == 2, "the listing's content lost its line break")
        for wanted in (["d", operator.name], ["t", "europa-protocol"], ["t", "vpn-marketplace"], ["t", "wireguard"],
                       ["price", str(HOUR_SAT), "sat", "hour"], ["price", str(DAY_SAT), "sat", "day"],
                       ["payment", "cashu", operator.mint.url, operator.p2pk, f"{operator.url}/purchase"],
                       ["location", "DE", "Berlin"], ["g", "u"], ["g", "u33d"], ["policy", "no-logs"]):
            expect(wanted in tags, f"{wanted} is not among the listing's tags: {tags}")
        expect(["r", world.relay.url] in [[t[0], t[1].rstrip("/")] for t in found["relays"]],
               f"the relay list does not name the relay: {found['relays']}")


async def cashu_ts_buys(world: World, folder: Path) -> None:
    """a buyer of cashu-ts and nostr-tools finds the listing, buys, and takes the change"""
    for operator in world.operators.values():
        mint = operator.mint
        told = await javascript("buyer", "buy.mjs", relay=world.relay.url, mint=mint.url, overpay=29)
        operator.secrets_seen += [told["token"], told["buyer"], *told["secrets"], told["answer"]["session_id"],
                                  told["answer"]["change"]]
        expect_equal(told["operator"], operator.pubkey, "operator")
        tunnel(httpx.Response(200, json=told["answer"]), operator)
        expect(told["session"]["status"] == "active" and told["session"]["expires_at"] == told["answer"]["expires_at"],
               f"session: {told['session']}")
        expect_equal(set(await mint.states(told["ys"])), {"SPENT"}, "states of the proofs paid with")
        left = told["paid"] - mint.fee(len(told["ys"])) - HOUR_SAT
        expect(0 <= left - told["change"] <= (1 if mint.fee_ppk else 0), f"{told['change']} sat came of {left} sat")
        operator.earned_sat += HOUR_SAT
        await operator.books_agree()


async def nutshell_command_buys(world: World, folder: Path) -> None:
    """a token that nutshell's own command locked, with its locktime and without DLEQ proofs, buys an hour"""
    operator = world.operators["free"]
    purse = CommandLinePurse(operator.mint, folder / "cashu-locks")
    await purse.fill(300)
    order = Order(operator, await purse.lock(operator, HOUR_SAT))
    tunnel(await order.send(), operator)
    await sold(world, order)


async def nutshell_command_pays(world: World, folder: Path) -> None:
    """a request without payment is answered with a NUT-18 request, which nutshell's own command fulfils"""
    for name in ("free", "fee"):
        operator = world.operators[name]
        unpaid = Order(operator, None)
        answer = await unpaid.send()
        refused(answer, 402, "payment-required")
        expect("x-cashu" in answer.headers["access-control-expose-headers"].lower(), "browsers can not read X-Cashu")
        purse = CommandLinePurse(operator.mint, folder / f"cashu-pays-{name}")
        await purse.fill(300)
        token = await purse.pay(answer.headers["x-cashu"])
        order = Order(operator, token, key=unpaid.key, client_pubkey=unpaid.client_pubkey)
        told = tunnel(await order.send(), operator)
        over = token.amount - operator.mint.fee(len(token.ys)) - HOUR_SAT
        await sold(world, order, change=over if "change" in told else 0)


async def token_events(world: World, folder: Path) -> None:
    """the token events on the relay, decrypted by nostr-tools, are the store's wallet sat by sat"""
    for operator in world.operators.values():
        found = await backup(world, operator)
        expect_equal(sum(proof["amount"] for proof in found["proofs"]), operator.earned_sat, "sat in token events")
        expect_equal({proof["mint"] for proof in found["proofs"]}, {operator.mint.url}, "their mint")
        wallet = dict(found["wallet"][0])
        expect_equal(wallet["mint"], operator.mint.url, "the wallet event's mint")
        expect(wallet["privkey"] not in (operator.sales_key.secret.hex(), operator.nsec.secret.hex()),
               "the wallet's key is the sales key or the nsec")
        expect(operator.sales_key.public_key.format()[1:].hex() not in json.dumps(found["nutzaps"]),
               "10019 publishes the sales key")


async def recovered_sale(world: World, folder: Path) -> None:
    """a sale whose answer from the mint was lost is on the relay as soon as any other"""
    operator = world.operators["free"]
    await answer_lost(world, operator, Purse(operator.mint, folder / "purse-recovered"))
    await backup(world, operator)


async def ndk_loads_the_wallet(world: World, folder: Path) -> None:
    """NDK's wallet, signed in with the operator's nsec, shows the sum of the sales"""
    for operator in world.operators.values():
        await backup(world, operator)
        told = await javascript("wallet", "wallet.mjs", relay=world.relay.url, nsec=operator.nsec.secret.hex())
        expect_equal(told["balance"], operator.earned_sat, "balance")
        expect_equal(told["mints"], [operator.mint.url], "mints")


async def ndk_spends(world: World, folder: Path) -> None:
    """what NDK's wallet spends is soon gone from aditd's books, and the change is in them"""
    operator = world.operators["old"]  # NDK's cashu-ts knows keysets of version 1 only
    await backup(world, operator)
    async with httpx.AsyncClient() as client:
        quote = await client.post(f"{world.mints['free'].direct}/v1/mint/quote/bolt11", json={"amount": 20, "unit": "sat"})
    told = await javascript("wallet", "wallet.mjs", relay=world.relay.url, nsec=operator.nsec.secret.hex(),
                            pay=quote.json()["request"])
    fee = operator.earned_sat - 20 - told["left"]
    expect(0 <= fee <= 2, f"NDK paid {fee} sat for a payment of 20")
    operator.earned_sat = told["left"]

    async def noticed():
        return sum(sat for _, sat in operator.wallet()) == operator.earned_sat
    await eventually(noticed, "the store's wallet does not become what NDK left", 60)
    await operator.books_agree()
    await backup(world, operator)


async def private_messages(world: World, folder: Path) -> None:
    """nostr-tools opens what the operator is told: that the daemon lives, and that something was sold"""
    for operator in world.operators.values():
        order = Order(operator, await Purse(operator.mint, folder / f"purse-told-{operator.name}").lock(operator, HOUR_SAT))
        tunnel(await order.send(), operator)
        await sold(world, order)

        async def told():
            found = await javascript("buyer", "messages.mjs", relay=world.relay.url, nsec=operator.reader.secret.hex())
            return found if any("Sold: " in message["content"] for message in found["messages"]) else None
        # The first sale is told within seconds, even where others came before this one.
        found = await eventually(told, "no sale is told", 60)
        for message in found["messages"]:
            expect_equal((message["kind"], message["author"]), (14, operator.pubkey), "kind and author of a message")
            expect(["p", found["recipient"]] in message["tags"], f"tags of a message: {message['tags']}")
            for moment in (message["sealed"], message["wrapped"]):
                expect(-1 <= found["now"] - moment <= 2 * 86400 + 600, f"dated {found['now'] - moment} s back")
            for secret in operator.secrets_seen:
                expect(secret not in message["content"], f"a message has {secret[:12]}…")
        expect("All is well" in found["messages"][0]["content"], f"the first message: {found['messages'][0]['content']}")


async def nothing_secret_in_the_log(world: World, folder: Path) -> None:
    """aditd's debug log has no key, token, proof secret, buyer or session in it"""
    for operator in world.operators.values():
        log = operator.process.log.read_text(errors="replace")
        expect("session_active" in log, "the log says nothing of the sales")
        for secret in operator.secrets_seen:
            expect(secret not in log, f"the log has {secret[:12]}…")


async def ends_when_asked(world: World, folder: Path) -> None:
    """SIGTERM ends aditd with status 0, and a new start sells on with the same books"""
    for operator in world.operators.values():
        began = time.monotonic()
        expect_equal(operator.process.stop(), 0, "exit status")
        expect(time.monotonic() - began < 10, "it took over 10 s to end")
        await operator.process.start()
        await operator.books_agree()
    operator = world.operators["fee"]
    order = Order(operator, await Purse(operator.mint, folder / "purse-last").lock(operator, HOUR_SAT))
    tunnel(await order.send(), operator)
    await sold(world, order)


SCENARIOS = [listing_on_the_relay, cashu_ts_buys, nutshell_command_buys, nutshell_command_pays, token_events, recovered_sale,
             ndk_loads_the_wallet, ndk_spends, private_messages, ends_when_asked, nothing_secret_in_the_log]
