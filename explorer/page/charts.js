// The charts of the overview.

import { LineChart } from './chart.js';
import { clock } from './clock.js';
import { element } from './dom.js';
import { Series } from './series.js';

/** Spans to choose from: how long a step is, in seconds, and how many there are. */
export const spans = {
  '30 min': [10, 180],
  '6 h': [120, 180],
  '2 days': [600, 288],
  '30 days': [14_400, 180],
};

const charts = [
  { title: 'Messages', unit: 'a second', lines: [
    { name: 'added', kind: 'first', rate: 'messages' },
    { name: 'finalized', kind: 'good', rate: 'finalized' },
    { name: 'rejected', kind: 'bad', rate: 'rejected' }] },
  { title: 'Events', unit: 'a second', lines: [
    { name: 'high', kind: 'high', rate: 'events.high' },
    { name: 'medium', kind: 'medium', rate: 'events.medium' },
    { name: 'low', kind: 'low', rate: 'events.low' }] },
  { title: 'Tips', unit: '', lines: [{ name: 'tips', kind: 'first', value: 'tips' }] },
  { title: 'Energy', unit: 'and conflicts', lines: [
    { name: 'energy', kind: 'first', value: 'energy.total' },
    { name: 'open conflicts', kind: 'second', value: 'energy.active_conflicts' }] },
  { title: 'K-core', unit: 'messages', lines: [
    { name: 'finalized', kind: 'first', value: 'kcore.finalized' },
    { name: 'pending', kind: 'second', value: 'kcore.pending' }] },
  { title: 'Diversity', unit: 'and admissibility', lines: [
    { name: 'diversity', kind: 'first', value: 'diversity.score' },
    { name: 'admissible', kind: 'second', value: 'admissibility.overall' }] },
];

const metrics = charts.flatMap(({ lines }) => lines.map(({ rate, value }) => rate ?? value));

export class Charts {
  #series;
  #charts;

  constructor(span) {
    this.#series = new Series(metrics, ...spans[span]);
    const { step, length } = this.#series;
    const describe = (index) => {
      const ms = this.#series.time(index);
      return step < 600 ? clock(ms) : `${new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${clock(ms).slice(0, 5)}`;
    };
    this.root = element('div', { class: 'charts' });
    this.#charts = charts.map(({ title, unit, lines }) => {
      const figure = element('figure', { class: 'chart card' }, element('figcaption', {}, title, ' ', element('span', { class: 'quiet' }, unit)));
      this.root.append(figure);
      return { chart: new LineChart(figure, lines, length, describe), lines };
    });
  }

  async load(signal) {
    await this.#series.load(signal);
    this.draw();
  }

  take(event, priority) { this.#series.take(event, priority); }

  draw() {
    for (const { chart, lines } of this.#charts) {
      chart.set(...lines.map(({ rate, value }) => (rate ? this.#series.rates(rate) : this.#series.values(value))));
    }
  }
}
