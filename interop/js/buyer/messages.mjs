// What an operator is told by private message, opened with nostr-tools: node messages.mjs '{"relay": url, "nsec": hex}'
// of the recipient. The last line is JSON: the messages, oldest first, and the times of their seals and wraps.
import { getPublicKey, verifyEvent } from 'nostr-tools/pure';
import { hexToBytes } from 'nostr-tools/utils';
import { unwrapEvent } from 'nostr-tools/nip17';
import * as nip44 from 'nostr-tools/nip44';
import { expect, fetchEvents } from './relay.mjs';

const { relay, nsec } = JSON.parse(process.argv[2]);
const key = hexToBytes(nsec);
const pubkey = getPublicKey(key);

const wraps = await fetchEvents(relay, { kinds: [1059], '#p': [pubkey] });
const messages = wraps.map((wrap) => {
  const { kind, pubkey: author, created_at: at, tags, content, sig } = unwrapEvent(wrap, key);
  // The layer in between, which unwrapEvent does not show.
  const seal = JSON.parse(nip44.decrypt(wrap.content, nip44.getConversationKey(key, wrap.pubkey)));
  expect(seal.kind === 13 && seal.tags.length === 0 && seal.pubkey === author && verifyEvent(seal), 'no proper seal');
  expect(sig === undefined, 'the message itself is signed');
  expect(wrap.pubkey !== author, 'the wrap names its author');
  return { kind, author, at, tags, content, sealed: seal.created_at, wrapped: wrap.created_at };
});
messages.sort((a, b) => a.at - b.at);
expect(new Set(wraps.map((wrap) => wrap.pubkey)).size === wraps.length, 'a key is used for two wraps');
console.log(JSON.stringify({ messages, recipient: pubkey, now: Math.floor(Date.now() / 1000) }));
