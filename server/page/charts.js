// The charts at the top, and the health beside the name.

import { priorities } from './catalogue.js';
import { LineChart } from './chart.js';
import { byId, setText } from './dom.js';
import { interval } from './figures.js';

const points = 60; // two minutes
const byPriority = priorities.map((p) => ({ name: p, kind: p }));

export class Charts {
  #rates = new LineChart(byId('chart-rates'), byPriority, points);
  #connections = new LineChart(byId('chart-connections'), [{ name: 'WebSocket', kind: 'first' }, { name: 'SSE', kind: 'second' }], points);
  #lagging = new LineChart(byId('chart-lag'), [{ name: 'lagging', kind: 'first' }], points);
  #drops = new LineChart(byId('chart-drops'), byPriority, points);
  #arrived = { high: 0, medium: 0, low: 0 }; // since the last tick
  #ticked = performance.now();
  #dropped; // counts at the last tick

  /** An event of a priority has come. */
  count(priority) { this.#arrived[priority]++; }

  /** Takes the figures of the router; called at each tick. */
  tick({ health, metricsAreOff, websockets, sse, lagging, dropped }) {
    const now = performance.now();
    const seconds = Math.max(interval, now - this.#ticked) / 1000;
    this.#ticked = now;
    this.#rates.push(...priorities.map((p) => this.#arrived[p] / seconds));
    this.#arrived = { high: 0, medium: 0, low: 0 };
    this.#connections.push(websockets ?? health?.metrics.websocket_connections, sse ?? health?.metrics.sse_connections);
    this.#lagging.push(lagging);
    this.#drops.push(...priorities.map((p) => {
      const more = dropped?.[p] - this.#dropped?.[p];
      return more >= 0 ? more / seconds : undefined; // a router that was restarted counts anew
    }));
    this.#dropped = dropped;
    showHealth(health, metricsAreOff);
  }
}

function showHealth(health, metricsAreOff) {
  const parts = health
    ? [health.status, `${health.metrics.events_emitted_total.toLocaleString('en')} events emitted`, ...health.reasons ?? []]
    : ['no answer'];
  if (metricsAreOff) parts.push('metrics are off here (api.enable_metrics)');
  setText(byId('health'), parts.join(' · '));
  byId('health').dataset.status = health?.status ?? 'unknown';
}
