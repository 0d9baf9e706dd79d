'use strict';
// Owns the resource of block spans: the one of the application's spans, or what the environment says about the service.
// Refuses to detect anything.

const { registered } = require('../otel/diag.js');
const { version } = require('../../package.json');

const isPrimitive = (value) => ['string', 'number', 'boolean'].includes(typeof value);

/** What is known by now. `attributes` would log an error while some are still being detected. */
function knownAttributes(resource) {
  if (!resource?.asyncAttributesPending) return resource?.attributes ?? {};
  const raw = resource.getRawAttributes?.() ?? Object.entries(resource._attributes ?? {});
  const attributes = { __proto__: null };
  for (const [key, value] of raw) if (typeof value?.then !== 'function') attributes[key] ??= value;
  return attributes;
}

/** Attributes as the native side takes them. */
function resourceEntries(resource) {
  const entries = [];
  for (const [key, value] of Object.entries(knownAttributes(resource))) {
    if (isPrimitive(value)) entries.push({ key, value });
    else if (Array.isArray(value)) entries.push({ key, value: value.filter(isPrimitive) });
  }
  return entries;
}

/** Calls `set(entries)` with what is known of `resource` now, and again when the rest has been detected. */
function followResource(resource, set) {
  set(resourceEntries(resource));
  if (!resource.asyncAttributesPending) return;
  Promise.resolve(resource.waitForAsyncAttributes?.())
    .then(() => set(resourceEntries(resource)))
    .catch(() => {}); // a detector or a getter that fails is the application's
}

/** That of the global tracer provider, as far as it shows it; else what the environment's variables say. */
function currentResource() {
  try {
    const provider = registered('trace');
    const delegate = provider?.getDelegate?.() ?? provider;
    const resource = delegate?.resource ?? delegate?._resource;
    if (resource != null && 'attributes' in resource) return resource;
  } catch {
    // Somebody else's provider.
  }
  return resourceOfVariables();
}

function resourceOfVariables() {
  const attributes = {
    'service.name': 'unknown_service:node',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'offloop',
    'telemetry.sdk.version': version,
  };
  for (const pair of (process.env.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',')) {
    const [key, ...value] = pair.split('=');
    if (key.trim() !== '' && value.length > 0) attributes[decode(key.trim())] = decode(value.join('=').trim());
  }
  const serviceName = process.env.OTEL_SERVICE_NAME?.trim();
  if (serviceName) attributes['service.name'] = serviceName;
  return { attributes, asyncAttributesPending: false, getRawAttributes: () => Object.entries(attributes) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

module.exports = { currentResource, followResource, resourceEntries };
