// A buyer of cashu-ts and nostr-tools: node buy.mjs '{"relay": url, "mint": url, "overpay": sat}'
// Finds a listing that takes this mint, buys an hour, takes the change. The last line is JSON.
import { randomBytes } from 'node:crypto';
import { getEncodedToken, hashToCurve, Wallet } from '@cashu/cashu-ts';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { bytesToHex } from 'nostr-tools/utils';
import { expect, fetchEvents, tags } from './relay.mjs';

const { relay, mint, overpay } = JSON.parse(process.argv[2]);

// The listing, as a client finds it: by topic, not knowing the operator.
const listings = await fetchEvents(relay, { kinds: [30402], '#t': ['europa-protocol'] });
const listing = listings.find((event) => tags(event, 'payment').some((p) => p[0] === 'cashu' && p[1] === mint));
expect(listing, `none of ${listings.length} listings takes ${mint}`);
const [, , p2pk, endpoint] = tags(listing, 'payment').find((p) => p[0] === 'cashu' && p[1] === mint);
const price = tags(listing, 'price').find((p) => p[2] === 'hour');
const [d] = tags(listing, 'd')[0];

const info = await fetch(new URL('/info', endpoint));
expect(info.headers.get('access-control-allow-origin') === '*', 'a browser may not read /info');
const { pubkey, mints, cashu_purchase_endpoints: endpoints } = await info.json();
expect(pubkey === listing.pubkey && mints.includes(mint) && endpoints.includes(endpoint), '/info contradicts the listing');

// Money: minted, then locked to the listing's key, the fee of the operator's swap on top.
const wallet = new Wallet(mint);
await wallet.loadMint();
const quote = await wallet.createMintQuoteBolt11(512);
for (let tries = 0; (await wallet.checkMintQuoteBolt11(quote.quote)).state !== 'PAID'; ++tries) {
  expect(tries < 100, 'the mint does not see its own invoice paid');
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const minted = await wallet.mintProofsBolt11(512, quote.quote);
const { send } = await wallet.ops.send(Number(price[0]) + overpay, minted).asP2PK({ pubkey: p2pk }).includeFees(true).run();
const token = getEncodedToken({ mint, proofs: send, unit: 'sat' });

const buyer = generateSecretKey();
const now = Math.floor(Date.now() / 1000);
const auth = finalizeEvent({
  kind: 24242,
  created_at: now,
  tags: [['t', 'vpn-purchase'], ['expiration', String(now + 300)], ['server', new URL(endpoint).host],
    ['a', `30402:${listing.pubkey}:${d}`], ['price', ...price]],
  content: 'Kauf eines Tunnels für eine Stunde',
}, buyer);
const answer = await fetch(endpoint, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    Authorization: `Nostr ${Buffer.from(JSON.stringify(auth)).toString('base64url')}`,
    'X-Cashu': token,
  },
  body: JSON.stringify({ protocol: 'wireguard', client_pubkey: randomBytes(32).toString('base64') }),
});
const told = await answer.json();
expect(answer.status === 200 && told.status === 'ok', `purchase: ${answer.status} ${JSON.stringify(told)}`);

// The change is locked to the key that bought: 02 || x of it.
let change = 0;
if (told.change) {
  const taken = await wallet.ops.receive(told.change).privkey(bytesToHex(buyer)).requireDleq(true).run();
  change = taken.reduce((sum, proof) => sum + proof.amount.toNumber(), 0);
}
const session = await (await fetch(new URL(`/session/${told.session_id}`, endpoint))).json();
const sat = (proofs) => proofs.reduce((sum, proof) => sum + proof.amount.toNumber(), 0);
console.log(JSON.stringify({
  operator: listing.pubkey,
  buyer: getPublicKey(buyer),
  token,
  paid: sat(send),
  ys: send.map((proof) => hashToCurve(new TextEncoder().encode(proof.secret)).toHex(true)),
  secrets: send.map((proof) => proof.secret),
  change,
  session,
  answer: told,
}));
