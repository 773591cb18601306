// What the router says about itself, every two seconds while somebody looks.

import { resource } from './dom.js';
import { priorities } from './catalogue.js';

export const interval = 2000;

/**
 * Calls tick(figures) each interval. Figures that are not to be had are undefined:
 * { health, websockets, sse, lagging, dropped: { high, medium, low } }.
 */
export function watch(tick) {
  const look = async () => {
    if (!document.hidden) {
      const [health, metrics] = await Promise.all([readHealth(), readMetrics()]);
      tick({ health, ...metrics });
    }
    setTimeout(look, interval);
  };
  look();
}

async function readHealth() {
  try {
    const answer = await fetch(resource('v1/health/streaming'), { cache: 'no-store' });
    return await answer.json(); // with any status
  } catch {
    return undefined;
  }
}

let metricsAreOff = false; // asking for what is not there is an error on the console

async function readMetrics() {
  if (metricsAreOff) return { metricsAreOff };
  try {
    const answer = await fetch(resource('metrics'), { cache: 'no-store' });
    metricsAreOff = answer.status === 404;
    return answer.ok ? pick(await answer.text()) : { metricsAreOff };
  } catch {
    return {};
  }
}

// The Prometheus text format, as far as this page needs it.
function pick(text) {
  const value = (name) => {
    const at = text.indexOf(`\n${name} `);
    return at < 0 ? undefined : Number.parseFloat(text.slice(at + name.length + 2));
  };
  return {
    websockets: value('adic_websocket_connections'),
    sse: value('adic_sse_connections'),
    lagging: value('adic_connections_lagging'),
    dropped: Object.fromEntries(priorities.map((p) => [p, value(`adic_events_dropped_total{priority="${p}"}`)])),
  };
}
