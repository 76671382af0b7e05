// Opens the config in the link's fragment. Anyone can make such a link, so nothing of it is shown before every line has
// been checked, and what is shown is written anew: only keys that the daemon writes, each once, for this operator's
// server.
'use strict';

(() => {
    const maxFragment = 4 * Math.ceil(64 * 1024 / 3);
    const maxList = 16;
    const keyBytes = 32;

    const main = document.querySelector('main');
    const {serverKey, endpoint, placeholder} = main.dataset;
    const part = (id) => document.getElementById(id);

    // ---- what may stand in a config: each reader gives the value as it is written, or null ----

    // One character for each byte; null if no encoder writes it so (RFC 4648 section 4, padded, unused bits zero).
    function decodeBase64(text) {
        try {
            const bytes = atob(text);
            return btoa(bytes) === text ? bytes : null;
        } catch {
            return null;
        }
    }

    const trimmed = (text) => text.replace(/^ +| +$/g, '');
    const only = (wanted) => (text) => (text === wanted ? text : null);
    const readKey = (text) => (decodeBase64(text)?.length === keyBytes ? text : null);
    const readNumber = (least, most) => (text) =>
        (/^[0-9]{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most ? String(Number(text)) : null);
    const readKeepalive = (text) => readNumber(0, 65535)(text === 'off' ? '0' : text);

    function readList(fits) {
        return (text) => {
            const items = text.split(',').map(trimmed);
            return items.length <= maxList && items.every(fits) ? items.join(', ') : null;
        };
    }

    function isV4(text) {
        const bytes = text.split('.');
        return bytes.length === 4 && bytes.every((byte) => /^(0|[1-9][0-9]{0,2})$/.test(byte) && Number(byte) <= 255);
    }

    // The browser's own reader of addresses has the last word; what is let through to it can be nothing but an address.
    function isV6(text) {
        if (!/^[0-9A-Fa-f:.]{2,45}$/.test(text)) return false;
        try {
            return new URL('http://[' + text + ']/').host !== '';
        } catch {
            return false;
        }
    }

    function isNetwork(text) {
        const [address, length, ...more] = text.split('/');
        const longest = isV4(address) ? 32 : isV6(address) ? 128 : -1;
        return longest >= 0 && more.length === 0 && (length === undefined || readNumber(0, longest)(length) !== null);
    }

    const isDns = (text) => isV4(text) || isV6(text) || /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(text);

    // In the order in which they are written.
    const sections = new Map([
        ['[Interface]', new Map([
            ['PrivateKey', (text) => (text === placeholder ? text : readKey(text))],
            ['Address', readList(isNetwork)],
            ['DNS', readList(isDns)],
            ['MTU', readNumber(576, 65535)],
        ])],
        ['[Peer]', new Map([
            ['PublicKey', only(serverKey)],
            ['PresharedKey', readKey],
            ['Endpoint', only(endpoint)],
            ['AllowedIPs', readList(isNetwork)],
            ['PersistentKeepalive', readKeepalive],
        ])],
    ]);
    const required = ['Address', 'PublicKey', 'Endpoint', 'AllowedIPs'];

    // ---- from the link to the text ----

    // UTF-8 from base64url without padding; null for anything else.
    function decodeFragment(fragment) {
        if (fragment.length > maxFragment || !/^[A-Za-z0-9_-]+$/.test(fragment)) return null;
        const padding = '='.repeat((4 - (fragment.length % 4)) % 4);
        const bytes = decodeBase64(fragment.replace(/-/g, '+').replace(/_/g, '/') + padding);
        if (bytes === null) return null;
        try {
            const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
            return decoder.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
        } catch {
            return null;
        }
    }

    // Key to value; null if there is anything that the daemon would not have written. Comments are dropped.
    function parse(text) {
        if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(text)) return null;
        const values = new Map();
        const entered = new Set();
        let keys = null;
        for (const line of text.split('\n')) {
            const [statement, ...comment] = line.split('#').map(trimmed);
            if (/[<>]/.test(comment.join())) return null;
            if (statement === '') continue;
            if (sections.has(statement)) {
                if (entered.has(statement)) return null;
                entered.add(statement);
                keys = sections.get(statement);
                continue;
            }
            const equals = statement.indexOf('=');
            const key = trimmed(statement.slice(0, Math.max(equals, 0)));
            const read = keys?.get(key);
            if (!read || values.has(key)) return null;
            const value = read(trimmed(statement.slice(equals + 1)));
            if (value === null) return null;
            values.set(key, value);
        }
        return required.every((key) => values.has(key)) ? values : null;
    }

    function write(values) {
        const lines = (keys) => [...keys.keys()].filter((key) => values.has(key))
            .map((key) => key + ' = ' + values.get(key) + '\n').join('');
        return [...sections].map(([header, keys]) => header + '\n' + lines(keys)).join('\n');
    }

    // ---- the page ----

    let config = null; // what the link said, once it was found good
    let shown = ''; // the text on the page, with the buyer's key where there is one

    function say(id, text, bad = false) {
        part(id).textContent = text;
        part(id).classList.toggle('bad', bad);
    }

    // Why it can not be the buyer's private key; '' if it can.
    function objection(key) {
        if (readKey(key) === null) return 'That is no WireGuard key: one has 44 characters, and the last is “=”.';
        if (/^\0*$/.test(decodeBase64(key))) return 'A key of zeros protects nothing.';
        if (key === serverKey) return 'That is the public key of the operator’s server.';
        if (key === config.get('PresharedKey')) return 'That is the preshared key, which is in the config already.';
        return '';
    }

    // Programs that make private keys fix five bits of them. Of public keys, one in sixteen looks so by chance.
    function looksPrivate(key) {
        const bytes = decodeBase64(key);
        return (bytes.charCodeAt(0) & 7) === 0 && (bytes.charCodeAt(31) & 192) === 64;
    }

    function draw(text) {
        const code = part('code');
        const name = 'http://www.w3.org/2000/svg';
        const quiet = 4; // modules of white around it, as the standard wants
        let qr;
        try {
            qr = qrcode(0, 'L');
            qr.addData(text, 'Byte');
            qr.make();
        } catch {
            return false; // more than a QR code can hold
        }
        const size = qr.getModuleCount();
        let path = '';
        for (let y = 0; y < size; ++y)
            for (let x = 0; x < size; ++x)
                if (qr.isDark(y, x)) path += 'M' + (x + quiet) + ' ' + (y + quiet) + 'h1v1h-1z';
        const modules = document.createElementNS(name, 'path');
        modules.setAttribute('d', path);
        modules.setAttribute('fill', '#000000');
        code.setAttribute('viewBox', '0 0 ' + (size + 2 * quiet) + ' ' + (size + 2 * quiet));
        code.setAttribute('shape-rendering', 'crispEdges');
        code.replaceChildren(modules);
        return true;
    }

    function caption(fits, key) {
        if (!fits) return 'The config is too long for a QR code.';
        if (key === placeholder) return 'Without your private key: add it after scanning.';
        return 'The code holds a private key: show it to nobody.';
    }

    function update() {
        const typed = part('private-key').value.trim();
        const wrong = typed === '' ? '' : objection(typed);
        const own = typed !== '' && wrong === '';
        part('private-key').setAttribute('aria-invalid', String(wrong !== ''));
        const doubt = own && !looksPrivate(typed) ? ' It looks like a public key, though: is it the private one?' : '';
        say('private-key-note', own ? 'Filled in.' + doubt : wrong, wrong !== '');

        const key = own ? typed : config.get('PrivateKey') ?? placeholder;
        const text = write(new Map(config).set('PrivateKey', key));
        if (text === shown) return; // half of a key has been typed
        shown = text;
        part('text').textContent = text;
        const fits = draw(text);
        part('code').toggleAttribute('hidden', !fits);
        say('code-caption', caption(fits, key));
        say('status', '');
    }

    async function copy() {
        try {
            await navigator.clipboard.writeText(shown);
            say('status', 'Copied.');
        } catch { // an old browser, or one that does not allow it
            getSelection().selectAllChildren(part('text'));
            say('status', document.execCommand('copy') ? 'Copied.' : 'It is selected: copy it from here.');
        }
    }

    function download() {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(new Blob([shown], {type: 'application/octet-stream'}));
        link.download = 'tunnel.conf';
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
        say('status', 'Saved as tunnel.conf. Delete the file once it is imported.');
    }

    // Not hidden, but gone: of a link before this one nothing is left in the document.
    function forget() {
        config = null;
        shown = '';
        part('private-key').value = '';
        part('text').textContent = '';
        part('code').replaceChildren();
    }

    function open() {
        const fragment = location.hash.slice(1);
        history.replaceState(null, '', location.pathname);
        forget();
        const text = decodeFragment(fragment);
        if (text !== null) config = parse(text);
        part('about').hidden = fragment !== '';
        part('refused').hidden = fragment === '' || config !== null;
        part('config').hidden = config === null;
        if (config !== null) update();
    }

    part('private-key').addEventListener('input', update);
    part('copy').addEventListener('click', copy);
    part('download').addEventListener('click', download);
    // Another link opened in the same tab. Our own clearing of the fragment does not come here.
    addEventListener('hashchange', open);
    open();
})();
