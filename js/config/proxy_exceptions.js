'use strict';
// Owns which hosts are reached without a proxy: the forms that the variable `no_proxy` takes with the option `proxy: 'env'`,
// and those that Node's own agents take.
// It refuses to look up names: an address is covered by addresses, a name by names.

const { domainToASCII } = require('node:url');
const { builtIn } = require('../guards/built_in.js');

const { BlockList, isIP, isIPv4 } = builtIn('node:net');

const WITH_PORT = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/;
const FAMILIES = { 4: 'ipv4', 6: 'ipv6' };

/**
 * @param {string} list as the variable has it: separated by commas or blanks
 * @param {{ hostname: string, port: number }} endpoint
 */
function isException(list, { hostname, port }) {
  const host = withoutBrackets(hostname).replace(/\.$/, '').toLowerCase();
  // The look-behind keeps a list of many blanks from being searched again at each of them.
  const entries = list
    .toLowerCase()
    .replace(/(?<!\s)\s*-\s*/g, '-')
    .split(/[\s,]+/);
  return entries.some((entry) => covers(entry, host, port));
}

/** `*`, `name`, `.name`, `*.name`, an address, a network `address/bits` or a range `address-address`; all but the last two may have a port. */
function covers(entry, host, port) {
  const [, address, name, wantedPort] = WITH_PORT.exec(entry) ?? [];
  if (wantedPort !== undefined && Number(wantedPort) !== port) return false;
  const text = withoutBrackets(address ?? name ?? entry);
  if (text === '*') return true;
  if (isIP(host) !== 0) return (wantedPort === undefined || isIP(text) !== 0) && coversAddress(text, host);
  const domain = inAscii(text.replace(/^\*?\.|\.$/g, ''));
  if (domain === '') return false;
  return host.endsWith(`.${domain}`) || (host === domain && !text.startsWith('*.'));
}

/** As a URL has a name with letters beyond ASCII. */
function inAscii(name) {
  return /[^\0-\x7f]/.test(name) ? domainToASCII(name) : name;
}

function coversAddress(text, host) {
  const [network, bits] = text.split('/');
  const [first, last] = text.split('-');
  const family = isIP(host);
  const parts = bits === undefined ? [first, last ?? first] : [withoutBrackets(network)];
  // A list of addresses costs more than all of this, and most entries are names or of the other family.
  if (parts.some((part) => isIP(part) !== family)) return false;
  if (bits === undefined && last === undefined && family === 4) return text === host;
  const list = new BlockList();
  try {
    if (bits === undefined) list.addRange(...parts, FAMILIES[family]);
    else list.addSubnet(...parts, prefixOf(bits), FAMILIES[family]);
  } catch {
    return false; // no range or no network
  }
  return list.check(host, FAMILIES[family]);
}

function prefixOf(text) {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

function withoutBrackets(text) {
  return text.replace(/^\[|\]$/g, '');
}

/** The rules of Node's agents, which know neither networks nor names below a name without a dot in front. */
function isExceptionOfNode(list, hostname, port) {
  if (list === '') return false;
  const host = withoutBrackets(hostname).toLowerCase();
  return list.split(',').some((each) => {
    const entry = each.trim().toLowerCase();
    if (entry === '*' || entry === host || entry === `${host}:${port}`) return true;
    const domain = entry.slice(1);
    if (entry.startsWith('.') && (host === domain || host.endsWith(`.${domain}`))) return true;
    if (entry.startsWith('*.') && host.endsWith(domain)) return true;
    return isIPv4(host) && isInRange(entry, host);
  });
}

function isInRange(entry, host) {
  const [first, last] = entry.split('-').map((each) => each.trim());
  if (last === undefined || !isIPv4(first) || !isIPv4(last)) return false;
  const [low, at, high] = [first, host, last].map((ip) =>
    ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0),
  );
  return low <= at && at <= high;
}

module.exports = { isException, isExceptionOfNode };
