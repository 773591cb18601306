// Values over time: from the index to begin with, and moved on by the events that come.

import { explorerNow, get, withQuery } from './api.js';

const counted = { MessageAdded: 'messages', MessageFinalized: 'finalized', MessageRejected: 'rejected' };
const told = {
  TipsUpdated: { tips: 'count' },
  DiversityUpdated: { 'diversity.score': 'diversity_score' },
  EnergyUpdated: { 'energy.total': 'total_energy', 'energy.active_conflicts': 'active_conflicts' },
  KCoreUpdated: { 'kcore.finalized': 'finalized_count', 'kcore.pending': 'pending_count' },
  AdmissibilityUpdated: { 'admissibility.overall': 'overall_rate' },
  EconomicsUpdated: { 'economics.circulating': 'circulating_supply', 'economics.treasury': 'treasury_balance', 'economics.total': 'total_supply' },
};

/** A span of time up to now, in steps. */
export class Series {
  #metrics;
  #points = new Map(); // metric to a map of the number of the step to { count, last }

  /** step is in seconds, and length how many of them there are. */
  constructor(metrics, step, length) {
    this.#metrics = metrics;
    this.step = step;
    this.length = length;
    for (const metric of metrics) this.#points.set(metric, new Map());
  }

  /** Loads what the index has. */
  async load(signal) {
    const from = new Date((this.#now() - this.length) * this.step * 1000).toISOString();
    const { series } = await get(withQuery('api/v1/stats/series', { metric: this.#metrics.join(','), step: `${this.step}s`, from }), signal);
    for (const { metric, points } of series) {
      this.#points.set(metric, new Map(points.map((p) => [Math.floor(Date.parse(p.time) / 1000 / this.step), { count: p.count, last: p.last }])));
    }
  }

  /** Takes an event that came just now. */
  take(event, priority) {
    for (const metric of ['events', `events.${priority}`, counted[event.type]]) this.#add(metric);
    for (const [metric, field] of Object.entries(told[event.type] ?? {})) this.#add(metric, Number(event[field]));
  }

  /** How often something happened, a second, for each step. */
  rates(metric) {
    const points = this.#points.get(metric);
    const first = Math.min(...points.keys());
    let before;
    return this.#steps((step, now) => {
      if (step < first || points.size === 0) return undefined;
      const seconds = step < now ? this.step : explorerNow() / 1000 - now * this.step;
      if (seconds < this.step / 3 && before !== undefined) return before; // too short to tell
      return (before = (points.get(step)?.count ?? 0) / seconds);
    });
  }

  /** What a value was at the end of each step. */
  values(metric) {
    const points = this.#points.get(metric);
    let last;
    return this.#steps((step) => (last = points.get(step)?.last ?? last));
  }

  /** When a step began, in ms. */
  time(index) { return (this.#now() - this.length + 1 + index) * this.step * 1000; }

  #now() { return Math.floor(explorerNow() / 1000 / this.step); }

  #steps(value) {
    const now = this.#now();
    return Array.from({ length: this.length }, (_, i) => value(now - this.length + 1 + i, now));
  }

  #add(metric, value) {
    const points = this.#points.get(metric);
    if (!points) return;
    const now = this.#now();
    const point = points.get(now) ?? { count: 0 };
    point.count++;
    point.last = value ?? point.last;
    points.set(now, point);
    points.delete(now - this.length - 1);
  }
}
