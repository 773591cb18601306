// The polling transport, where no stream gets through. It asks again as soon as it is
// answered, and the router waits with its answer until there is an event.

import { rawValues } from './json.js';
import { resource } from './dom.js';
import { authorization, refusal } from './sse.js';

const wait = 20; // seconds, of the router
const patience = 10_000; // ms beyond that
const term = 60_000; // ms, after which a stream may get through again

/** Opens what looks like a stream, as openSSE does; it ends well after a minute. */
export function openPolling(query, token, handlers) {
  const abort = new AbortController();
  const began = performance.now();
  let cursor; // after which to go on; the query has the first
  let opened = false;
  let ended = false;
  let overdue;

  const end = (reason, status = 0) => {
    if (ended) return;
    ended = true;
    clearTimeout(overdue);
    abort.abort();
    handlers.closed({ opened, status, reason });
  };
  const ask = async (seconds) => {
    clearTimeout(overdue);
    overdue = setTimeout(() => end('no answer'), seconds * 1000 + patience);
    const parameters = new URLSearchParams(query);
    if (cursor) parameters.set('since', cursor);
    const answer = await fetch(resource(`v1/events?ids=true&limit=1000&wait=${seconds}&${parameters}`), {
      headers: authorization(token), cache: 'no-store', signal: abort.signal,
    });
    if (!answer.ok) throw await refusal(answer);
    return answer.text();
  };
  const read = async () => {
    while (!ended && performance.now() - began < term) {
      const text = await ask(opened ? wait : 0); // the first one is to be answered at once
      if (ended) return;
      if (!opened) {
        opened = true;
        handlers.opened();
      }
      const { events, cursor: next, dropped } = JSON.parse(text);
      if (dropped) handlers.message({ type: 'Lagged', dropped });
      const raw = rawValues(text, 'event');
      events.forEach((message, i) => handlers.message({ type: 'Event', ...message, raw: raw[i] }));
      cursor = next;
    }
    end('time to try a stream again');
  };
  read().catch((error) => end(error.message, error.status));

  return { close: () => end('closed here') };
}
