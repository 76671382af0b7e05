"""Sales at a real mint, nutshell, and what it says about the money afterwards."""
import asyncio

import httpx
from cashu.core.secret import Tags

from .buyer import Order, Purse, even_key, refused, tunnel
from .proxy import Fault
from .world import HOUR_SAT, Operator, World, expect, expect_equal


async def sold(world: World, order: Order, change: int = 0, hours: int = 1) -> None:
    """The mint has taken the buyer's proofs, and the operator holds what was left of them, spendable."""
    operator, mint = order.operator, order.operator.mint
    expect_equal(set(await mint.states(order.token.ys)), {"SPENT"}, "states of the proofs paid with")
    net = order.token.amount - mint.fee(len(order.token.ys))
    expect_equal(net - change, hours * HOUR_SAT, "what the operator should keep")
    operator.earned_sat += net - change
    await operator.books_agree()


async def untouched(order: Order) -> None:
    expect_equal(set(await order.operator.mint.states(order.token.ys)), {"UNSPENT"}, "states of the refused proofs")
    await order.operator.books_agree()


async def exact_price(world: World, operator: Operator, purse: Purse) -> None:
    """the exact price buys an hour with one swap, and the same request again gets the same answer"""
    order = Order(operator, await purse.lock(operator, HOUR_SAT))
    before = operator.mint.proxy.swaps
    first = await order.send()
    told = tunnel(first, operator)
    expect("change" not in told, "change from an exact payment")
    expect_equal(operator.mint.proxy.swaps - before, 1, "swaps that the sale took")
    again = await order.send()
    expect_equal((again.status_code, again.json()), (200, told), "the answer to the same request")
    expect_equal(operator.mint.proxy.swaps - before, 1, "swaps after the repeat")
    await sold(world, order)


async def other_tokens(world: World, operator: Operator, purse: Purse) -> None:
    """SIG_ALL locks, tokens without DLEQ proofs, V3 tokens and 1-of-2 locks are money too"""
    for words in ({"sig_all": True}, {"dleq": False}, {"legacy": True}, {"or_key": even_key()}):
        order = Order(operator, await purse.lock(operator, HOUR_SAT, **words))
        try:
            tunnel(await order.send(), operator)
            await sold(world, order)
        except Exception as wrong:
            raise type(wrong)(f"{words}: {wrong}") from wrong


async def change(world: World, operator: Operator, purse: Purse) -> None:
    """what is paid too much comes back as a token that only its owner can spend"""
    for owner in (None, even_key()):
        order = Order(operator, await purse.lock(operator, HOUR_SAT + 37),
                      refund_pubkey=owner and owner.public_key.format()[1:].hex())
        told = tunnel(await order.send(), operator)
        expect("change" in told, "no change")
        operator.secrets_seen.append(told["change"])
        stranger = await stranger_takes(purse, told["change"])
        expect(not stranger, "the mint let a stranger spend the change")
        before = purse.wallet.available_balance.amount
        taken = await purse.take(told["change"], owner or order.key)
        proofs = order.token.amount - operator.mint.fee(len(order.token.ys)) - HOUR_SAT
        expect(0 < proofs - taken <= 1 if operator.mint.fee_ppk else proofs == taken,
               f"{taken} sat came of {proofs} sat of change")
        expect_equal(purse.wallet.available_balance.amount - before, taken, "what the buyer's wallet gained")
        await sold(world, order, change=proofs)


async def stranger_takes(purse: Purse, token: str) -> bool:
    try:
        await purse.take(token, even_key())
    except Exception:  # the wallet raises bare Exceptions with the mint's words
        return False
    return True


async def several_hours(world: World, operator: Operator, purse: Purse) -> None:
    """three times the price buys three hours"""
    order = Order(operator, await purse.lock(operator, 3 * HOUR_SAT))
    tunnel(await order.send(), operator, hours=3)
    await sold(world, order, hours=3)


async def too_little(world: World, operator: Operator, purse: Purse) -> None:
    """a token one sat short is refused, and the mint was not asked to take it"""
    order = Order(operator, await purse.lock(operator, HOUR_SAT - 1))
    before = operator.mint.proxy.swaps
    told = refused(await order.send(), 402, "amount-mismatch")
    expect_equal(told["needed"], HOUR_SAT + operator.mint.fee(len(order.token.ys)), "needed")
    expect_equal(operator.mint.proxy.swaps, before, "swaps")
    await untouched(order)


async def not_ours(world: World, operator: Operator, purse: Purse) -> None:
    """tokens that the operator can not spend alone are refused, and stay their owner's"""
    await purse.hold(HOUR_SAT)
    wallet, ours, other = purse.wallet, operator.p2pk, even_key().public_key.format().hex()
    both = Tags()
    both["pubkeys"] = [other]
    blinded, ephemeral = await wallet.create_p2bk_lock(ours)
    locks = {
        "no lock": None,
        "another key": await wallet.create_p2pk_lock(other),
        "2 of 2": await wallet.create_p2pk_lock(ours, tags=both, n_sigs=2),
        "a hash": await wallet.create_htlc_lock(preimage="00" * 32, hashlock_pubkeys=[ours]),
        "a lock that ends in 30 s": await wallet.create_p2pk_lock(ours, locktime_seconds=30),
        "a blinded key": blinded,
    }
    for name, lock in locks.items():
        token = await purse.token(HOUR_SAT, lock, p2pk_e=ephemeral if lock is blinded else None)
        order = Order(operator, token)
        answer = await order.send()
        expect_equal(answer.json().get("reason"), "wrong-p2pk", f"the refusal of a token with {name}: {answer.text}")
        expect_equal(answer.status_code, 402, f"the status for a token with {name}")
        await untouched(order)


async def double_spend(world: World, operator: Operator, purse: Purse) -> None:
    """a token buys once: not again for another client, and not when it was spent elsewhere before"""
    order = Order(operator, await purse.lock(operator, HOUR_SAT))
    tunnel(await order.send(), operator)
    await sold(world, order)
    refused(await Order(operator, order.token).send(), 402, "double-spent")
    await operator.books_agree()

    # Two keys may spend it, and the buyer does so first: only the mint can know.
    key = even_key()
    spent = await purse.lock(operator, HOUR_SAT, or_key=key)
    await purse.take(spent.text, key)
    late = Order(operator, spent)
    refused(await late.send(), 402, "double-spent")
    await operator.books_agree()
    fresh = Order(operator, await purse.lock(operator, HOUR_SAT), client_pubkey=late.client_pubkey)
    tunnel(await fresh.send(), operator)
    await sold(world, fresh)


async def answer_lost(world: World, operator: Operator, purse: Purse) -> None:
    """the mint takes the money, its answer is lost on the way, and the buyer's repeat still gets the tunnel"""
    order = Order(operator, await purse.lock(operator, HOUR_SAT + 50))
    operator.mint.proxy.arm(Fault.LOSE_ANSWER)
    first = await order.send()
    expect(operator.mint.proxy.struck.is_set(), "the proxy saw no swap")
    if first.status_code != 200:
        refused(first, 503, "mint-unreachable")
    told = tunnel(await order.insist(), operator)
    taken = await purse.take(told["change"], order.key)
    left = order.token.amount - operator.mint.fee(len(order.token.ys)) - HOUR_SAT
    expect(0 <= left - taken <= (1 if operator.mint.fee_ppk else 0), f"{taken} sat came of {left} sat of change")
    await sold(world, order, change=left)


async def killed(world: World, operator: Operator, purse: Purse, fault: Fault, states: set[str]) -> None:
    order = Order(operator, await purse.lock(operator, HOUR_SAT))
    operator.mint.proxy.arm(fault)
    asking = asyncio.create_task(order.send())
    await asyncio.wait_for(operator.mint.proxy.struck.wait(), 30)
    operator.process.kill()
    operator.mint.proxy.release()
    try:
        await asking
        expect(False, "the buyer got an answer from a dead process")
    except httpx.HTTPError:
        pass
    expect_equal(set(await operator.mint.states(order.token.ys)), states, "states of the proofs after the kill")
    await operator.process.start()
    tunnel(await order.insist(), operator)
    await sold(world, order)


async def killed_after(world: World, operator: Operator, purse: Purse) -> None:
    """aditd dies after the mint has taken the money; restarted, it gives the same request its tunnel"""
    await killed(world, operator, purse, Fault.HOLD_ANSWER, {"SPENT"})


async def killed_before(world: World, operator: Operator, purse: Purse) -> None:
    """aditd dies before the mint has heard of the swap; restarted, it gives the same request its tunnel"""
    await killed(world, operator, purse, Fault.HOLD_REQUEST, {"UNSPENT"})


async def mint_restarts(world: World, operator: Operator, purse: Purse) -> None:
    """the mint dies in the middle of a sale and comes back; the same request gets its tunnel"""
    mint = operator.mint
    order = Order(operator, await purse.lock(operator, HOUR_SAT))
    mint.proxy.arm(Fault.HOLD_ANSWER)
    asking = asyncio.create_task(order.send())
    await asyncio.wait_for(mint.proxy.struck.wait(), 30)
    mint.process.kill()
    mint.proxy.release()
    refused(await asking, 503, "mint-unreachable")
    down = Order(operator, order.token, key=order.key, client_pubkey=order.client_pubkey)
    # The same token and client under a new event are the same purchase.
    refused(await down.send(), 503, "mint-unreachable")
    await mint.process.start()
    tunnel(await order.insist(), operator)
    tunnel(await down.insist(), operator)
    await sold(world, order)


async def mint_down(world: World, operator: Operator, purse: Purse) -> None:
    """a mint that is down when the sale begins costs nothing; when it is back, the same request goes through"""
    order = Order(operator, await purse.lock(operator, HOUR_SAT))
    operator.mint.process.kill()
    refused(await order.send(), 503, "mint-unreachable")
    await operator.mint.process.start()
    tunnel(await order.insist(), operator)
    await sold(world, order)


async def rotation(world: World, operator: Operator, purse: Purse) -> None:
    """the mint retires its keyset, and tokens of the old one as well as of the new one buy"""
    old = Order(operator, await purse.lock(operator, HOUR_SAT))
    await operator.mint.rotate()
    expect_equal(sorted((await operator.mint.keysets()).values()), [False, True], "whether the keysets are active")
    tunnel(await old.insist(), operator)
    await sold(world, old)
    purse.wallet = None  # a wallet that starts now
    new = Order(operator, await purse.lock(operator, HOUR_SAT + 40))
    told = tunnel(await new.send(), operator)
    await purse.take(told["change"], new.key)
    await sold(world, new, change=new.token.amount - operator.mint.fee(len(new.token.ys)) - HOUR_SAT)


def scenarios(mint: str) -> list:
    """Those for the mint of that name."""
    if mint == "old":
        return [exact_price, change, other_tokens, answer_lost]
    return [exact_price, several_hours, change, other_tokens, too_little, not_ours, double_spend, answer_lost,
            killed_after, killed_before, mint_restarts, mint_down, rotation]
