// A small line chart of the last seconds: one SVG, a path for each series, and the
// present values in words and as a legend. Series differ in dashes as well as in
// colour.

import { element, setText } from './dom.js';

const svgElement = (tag, attributes) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
};

const format = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2, maximumSignificantDigits: 3, roundingPriority: 'lessPrecision' });

export class LineChart {
  #series;
  #length;
  #values = []; // one array for each series, the oldest first
  #paths = [];
  #shown = []; // elements of the present values
  #svg;
  #top = element('span', { class: 'chart-top' });
  #pointed = -1; // index that the pointer is at
  #describe;

  /**
   * Puts a chart into a figure that has a figcaption. series are { name, kind }:
   * the kind is a class that says how it looks. length is how many values it shows, and
   * describe(index), optional, says when the one was that is pointed at.
   */
  constructor(figure, series, length, describe) {
    this.#series = series;
    this.#length = length;
    this.#describe = describe;
    this.#svg = svgElement('svg', { viewBox: `0 0 ${length - 1} 100`, preserveAspectRatio: 'none', role: 'img', class: 'chart-lines' });
    const legend = element('ul', { class: 'legend' });
    for (const { name, kind } of series) {
      const value = element('b', {}, '–');
      legend.append(element('li', {}, element('span', { class: `stroke ${kind}`, 'aria-hidden': 'true' }), name, ' ', value));
      const path = svgElement('path', { class: kind, 'vector-effect': 'non-scaling-stroke' });
      this.#svg.prepend(path); // the first series is on top
      this.#paths.push(path);
      this.#shown.push(value);
      this.#values.push([]);
    }
    this.marker = svgElement('line', { class: 'marker', y1: 0, y2: 100, 'vector-effect': 'non-scaling-stroke', visibility: 'hidden' });
    this.#svg.append(this.marker);
    this.label = figure.querySelector('figcaption').textContent.trim();
    figure.append(this.#svg, this.#top, legend);
    this.#svg.addEventListener('pointermove', (e) => this.#point(Math.round((e.offsetX / this.#svg.clientWidth) * (length - 1))));
    this.#svg.addEventListener('pointerleave', () => this.#point(-1));
    this.#draw();
  }

  /** Adds a value for each series; undefined is one that is not known. */
  push(...values) {
    values.forEach((value, i) => {
      this.#values[i].push(value);
      if (this.#values[i].length > this.#length) this.#values[i].shift();
    });
    this.#draw();
  }

  /** Replaces all values: an array for each series, the oldest first. */
  set(...values) {
    this.#values = values;
    this.#draw();
  }

  #point(index) {
    this.#pointed = index;
    this.#draw();
  }

  #draw() {
    const known = this.#values.flat().filter((value) => value !== undefined);
    const top = niceTop(Math.max(...known, 0));
    const offset = this.#length - this.#values[0].length; // the newest is at the right
    this.#paths.forEach((path, i) => path.setAttribute('d', line(this.#values[i], offset, top)));
    const pointed = this.#pointed >= offset;
    const scale = known.length > 0 ? `to ${format.format(top)}` : '';
    setText(this.#top, pointed && this.#describe ? this.#describe(this.#pointed - offset) : scale);
    this.marker.setAttribute('visibility', pointed ? 'visible' : 'hidden');
    this.marker.setAttribute('x1', this.#pointed);
    this.marker.setAttribute('x2', this.#pointed);
    const words = this.#series.map(({ name }, i) => {
      const value = pointed ? this.#values[i][this.#pointed - offset] : this.#values[i].at(-1);
      const text = value === undefined ? '–' : format.format(value);
      setText(this.#shown[i], text);
      return `${name} ${text}`;
    });
    this.#svg.setAttribute('aria-label', `${this.label}: ${words.join(', ')}`);
  }
}

/** The path of a series, with a gap where a value is not known. */
function line(values, offset, top) {
  let d = '';
  let drawing = false;
  values.forEach((value, i) => {
    if (value !== undefined) d += `${drawing ? 'L' : 'M'}${offset + i} ${(98 - (value / top) * 94).toFixed(1)}`;
    drawing = value !== undefined;
  });
  return d;
}

/** The next of 1, 2, 5, 10, 20, 50 and so on, so that the scale changes seldom. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}
