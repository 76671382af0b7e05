// What an operator has published, read with nostr-tools: node inspect.mjs '{"relay": url, "nsec": hex}'
// The last line is JSON: events by kind, the listing's tags, and the proofs in the wallet's token events.
import { getPublicKey } from 'nostr-tools/pure';
import { hexToBytes } from 'nostr-tools/utils';
import * as nip44 from 'nostr-tools/nip44';
import { fetchEvents } from './relay.mjs';

const { relay, nsec } = JSON.parse(process.argv[2]);
const key = hexToBytes(nsec);
const pubkey = getPublicKey(key);
const toSelf = nip44.getConversationKey(key, pubkey);
const read = (event) => JSON.parse(nip44.decrypt(event.content, toSelf));

const events = await fetchEvents(relay, { authors: [pubkey] });
const kinds = {};
for (const event of events) kinds[event.kind] = (kinds[event.kind] ?? 0) + 1;
const of = (kind) => events.filter((event) => event.kind === kind);

// NIP-60: a token event counts unless a later one names it in `del` or a deletion does.
const tokens = of(7375).map((event) => ({ id: event.id, ...read(event) }));
const gone = new Set(tokens.flatMap((token) => token.del ?? []));
for (const deletion of of(5)) for (const tag of deletion.tags) if (tag[0] === 'e') gone.add(tag[1]);
const live = tokens.filter((token) => !gone.has(token.id));

console.log(JSON.stringify({
  kinds,
  listings: of(30402).map(({ tags, content }) => ({ tags, content })),
  relays: of(10002).flatMap((event) => event.tags),
  nutzaps: of(10019).flatMap((event) => event.tags),
  wallet: of(17375).map(read),
  history: of(7376).map(read),
  proofs: live.flatMap((token) => token.proofs.map((proof) => ({ ...proof, mint: token.mint, unit: token.unit }))),
}));
