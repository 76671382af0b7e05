// What a relay has, fetched with nostr-tools. Its own check of id and signature stands between the wire and us.
import { Relay } from 'nostr-tools/relay';
import { verifyEvent } from 'nostr-tools/pure';

/** All events that match, each verified. */
export async function fetchEvents(url, filter) {
  const relay = await Relay.connect(url);
  try {
    const events = await new Promise((resolve, reject) => {
      const found = [];
      relay.subscribe([filter], {
        onevent: (event) => found.push(event),
        oneose: () => resolve(found),
        onclose: (why) => reject(new Error(`the relay closed the subscription: ${why}`)),
      });
    });
    for (const event of events)
      if (!verifyEvent({ ...event, [Symbol.for('verified')]: undefined })) throw new Error(`event ${event.id} does not verify`);
    return events;
  } finally {
    relay.close();
  }
}

export const tags = (event, name) => event.tags.filter((tag) => tag[0] === name).map((tag) => tag.slice(1));

export function expect(condition, what) {
  if (!condition) throw new Error(what);
}
