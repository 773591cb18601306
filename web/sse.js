// The Server-Sent Events transport. It is read with fetch and not with EventSource,
// which shows no status of a refusal, can send no Authorization header, and cannot
// stop reading.

import { resource } from './dom.js';

const patience = 10_000; // for an answer, and the least for a heartbeat

/** Asks for a stream. Rejects with a Refusal if the answer is another. */
export async function requestSSE(query, token, signal) {
  const answer = await fetch(resource(`v1/sse/events?${query}`), {
    headers: authorization(token),
    cache: 'no-store',
    signal,
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.body;
}

/** An answer other than the one asked for, with what the router says about it. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** What an answer is that is not the one asked for. */
export async function refusal(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Refusal(answer.status, body.error ?? `answered with ${answer.status}`);
}

/**
 * Asks by polling why a stream did not open, which a browser keeps from the page of
 * a WebSocket. Resolves to a Refusal; of status 200 if there was no reason, of
 * status 0 if there was no answer.
 */
export async function askWhy(query, token) {
  try {
    const answer = await fetch(resource(`v1/events?limit=1&${query}`), { headers: authorization(token), cache: 'no-store' });
    return answer.ok ? new Refusal(200, 'the stream did not open') : await refusal(answer);
  } catch (error) {
    return new Refusal(0, error.message);
  }
}

/** The headers that say who asks. */
export const authorization = (token) => (token ? { Authorization: 'Bearer ' + token } : {});

/**
 * Splits a stream (HTML Living Standard §9.2.6) into { type, id, data }, a list at a
 * time. Nothing is read from the network that is not asked for.
 */
export async function* parseSSE(body) {
  let rest = '';
  for await (const text of chunks(body)) {
    const blocks = (rest + text).split('\n\n'); // the router ends lines with \n
    rest = blocks.pop();
    yield blocks.map(parseBlock);
  }
}

async function* chunks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function parseBlock(block) {
  const fields = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
  }
  return { type: fields.event, id: fields.id, data: fields.data };
}

/** A block as the message that a WebSocket would have got; nothing for a comment. */
export function asMessage({ type, id, data }) {
  if (data === undefined) return undefined;
  const value = JSON.parse(data);
  return type === 'Lagged' ? value : { type: 'Event', id, event: value, raw: data };
}

/** Opens a stream, as openWebSocket does; closed has the status of a refusal, or 0. */
export function openSSE(query, token, handlers) {
  const abort = new AbortController();
  let opened = false;
  let overdue = setTimeout(() => end('no answer'), patience);
  let ended = false;
  // How often heartbeats come is for the router to say: three that are missing are a
  // network that is gone.
  let beat = 0; // when the last one came
  let silence = Infinity;

  const end = (reason, status = 0) => {
    if (ended) return;
    ended = true;
    clearTimeout(overdue);
    abort.abort();
    handlers.closed({ opened, status, reason });
  };
  const read = async () => {
    const body = await requestSSE(query, token, abort.signal);
    opened = true;
    clearTimeout(overdue);
    if (!ended) handlers.opened();
    for await (const blocks of parseSSE(body)) {
      for (const block of blocks) {
        const message = asMessage(block);
        if (message && !ended) handlers.message(message);
        if (!message) {
          if (beat > 0) silence = Math.max(patience, 3 * (performance.now() - beat));
          beat = performance.now();
        }
      }
      clearTimeout(overdue);
      if (silence < Infinity && !ended) overdue = setTimeout(() => end('no heartbeat'), silence);
    }
  };
  read().then(() => end('the stream ended'), (error) => end(error.message, error.status));

  return { close: () => end('closed here') };
}
