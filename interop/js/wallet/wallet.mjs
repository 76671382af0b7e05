// The operator's wallet as NDK sees it: node wallet.mjs '{"relay": url, "nsec": hex, "pay": invoice}'
// Signs in with the nsec, loads the NIP-60 wallet from the relay, and with "pay" pays that invoice at the wallet's mint.
// The last line is JSON.
import NDK, { NDKPrivateKeySigner } from '@nostr-dev-kit/ndk';
import { NDKCashuWallet } from '@nostr-dev-kit/wallet';

const { relay, nsec, pay } = JSON.parse(process.argv[2]);
const signer = new NDKPrivateKeySigner(nsec);
const ndk = new NDK({ explicitRelayUrls: [relay], signer, enableOutboxModel: false });
await ndk.connect(5000);
const user = await signer.user();
ndk.activeUser = user;

const event = await ndk.fetchEvent({ kinds: [17375], authors: [user.pubkey] });
if (!event) throw new Error('no wallet event');
const wallet = await NDKCashuWallet.from(event);
await wallet.start({ pubkey: user.pubkey });

// Events are decrypted on the side: `ready` comes first, the balance grows until the last is read.
const balance = () => wallet.balance?.amount ?? 0;
for (let seen = -1, still = 0; still < 10; ) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  still = balance() === seen ? still + 1 : 0;
  seen = balance();
}
const loaded = { mints: wallet.mints, p2pk: wallet.p2pk, balance: balance() };
let paid;
if (pay) {
  const deletions = async () => (await ndk.fetchEvents({ kinds: [5], authors: [user.pubkey] })).size;
  const before = await deletions();
  paid = await wallet.lnPay({ pr: pay });
  if (!paid) throw new Error('NDK could not pay the invoice');
  while ((await deletions()) === before) await new Promise((resolve) => setTimeout(resolve, 100)); // it does not wait for that
}
console.log(JSON.stringify({ ...loaded, paid: paid?.preimage, left: balance() }));
process.exit(0); // NDK's timers would keep the process
