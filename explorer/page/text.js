// Numbers, times and identifiers as people read them.

import { clock } from './clock.js';
import { element, resource } from './dom.js';
import { pathOf } from './fields.js';

/** A number with its thousands grouped; a decimal in text keeps every digit. */
export function number(value) {
  if (value === undefined || value === null || value === '') return '–';
  const text = String(value);
  const found = /^([+-]?)(\d+)((?:\.\d+)?)$/.exec(text);
  if (!found) return text;
  return found[1].replace('-', '−') + found[2].replace(/\B(?=(\d{3})+$)/g, ',') + found[3];
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A number in short if it is a long one, such as 12.3K. */
export function compact(value) {
  const n = Number(value);
  return Number.isFinite(n) && Math.abs(n) >= 100_000 ? short.format(n) : number(value);
}

export const count = (n, one, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`;

const dates = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const datesOfOtherYears = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const days = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** The local day of a time, in words. */
export const dayOf = (iso) => days.format(new Date(iso));

/** A time of day, or with its date unless that is today's; UTC is to point at. */
export function time(iso, { date = true } = {}) {
  const at = new Date(iso);
  if (!iso || Number.isNaN(at.getTime())) return element('span', { class: 'quiet' }, '–');
  const now = new Date();
  const day = (at.getFullYear() === now.getFullYear() ? dates : datesOfOtherYears).format(at);
  const text = date && at.toDateString() !== now.toDateString() ? `${day}, ${clock(at)}` : clock(at);
  return element('time', { datetime: iso, title: iso.replace('T', ' ').replace('Z', ' UTC') }, text);
}

/** An identifier in short: what tells it from others is at both ends. */
export function shorten(id, length = 19) {
  const end = Math.floor((length - 1) / 3);
  return id.length <= length + 2 ? id : `${id.slice(0, length - 1 - end)}…${id.slice(-end)}`;
}

/** A link to the page of an identifier. */
export function link(kind, id, length) {
  const text = String(id);
  const a = element('a', { class: 'id', href: resource(pathOf(kind, text)).href }, shorten(text, length));
  if (a.textContent !== text) a.title = text;
  return a;
}

/** A state in words, with a colour and a mark of its own. */
export const pill = (state) => element('span', { class: 'pill', 'data-state': state }, words(state));

/** A name of the protocol as words. */
export const words = (name) => String(name ?? '–').replaceAll('_', ' ');

