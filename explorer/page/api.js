// Asks the explorer for JSON.

import { resource } from './dom.js';
import { parseExactly, rawValues } from './json.js';

const patience = 20_000; // ms

/** An answer that is not the one asked for; of status 0 if there was none. */
export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The path of a resource with a query, of which what is empty is left out. */
export function withQuery(path, query) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== ''));
  return parameters.size > 0 ? `${path}?${parameters}` : path;
}

let offset = 0; // of the explorer's clock to that of this machine, in ms

/** The time where events are counted, in ms; clocks of readers are off now and then. */
export const explorerNow = () => Date.now() + offset;

/**
 * Gets a resource of the API. Events in the answer have their text as it came in raw.
 * Numbers that a double cannot hold are text. Rejects with a Failure, or with an
 * AbortError if signal says so.
 */
export async function get(path, signal) {
  const limits = [AbortSignal.timeout(patience), ...signal ? [signal] : []];
  let answer;
  let text;
  try {
    answer = await fetch(resource(path), { headers: { Accept: 'application/json' }, signal: AbortSignal.any(limits) });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, error.name === 'TimeoutError' ? `no answer for ${patience / 1000} s` : 'the explorer cannot be reached');
  }
  const date = Date.parse(answer.headers.get('Date'));
  if (date && Math.abs(date - Date.now()) > 2000) offset = date - Date.now();
  const value = parse(text);
  if (!answer.ok) throw new Failure(answer.status, value?.error ?? `answered with ${answer.status}`);
  if (value === undefined) throw new Failure(answer.status, 'the answer is not JSON');
  return withRaw(value, text);
}

function parse(text) {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}

function withRaw(value, text) {
  const holders = (value.items ?? [value]).filter((item) => item.event);
  if (holders.length === 0) return value;
  const raw = rawValues(text, 'event');
  holders.forEach((item, i) => { item.raw = raw[i]; });
  return value;
}
