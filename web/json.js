// JSON as it came, indented. It is not parsed, so that numbers keep every digit.

import { element } from './dom.js';

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Fills an element with the text of a JSON value, each part in a span of its kind. */
export function showJSON(into, text) {
  const parts = [];
  let depth = 0;
  const newline = () => parts.push('\n' + '  '.repeat(depth));
  const found = text.match(tokens) ?? [];
  found.forEach((token, i) => {
    switch (token) {
      case '{': case '[':
        parts.push(token);
        depth++;
        if (!'}]'.includes(found[i + 1])) newline();
        break;
      case '}': case ']':
        depth--;
        if (!'{['.includes(found[i - 1])) newline();
        parts.push(token);
        break;
      case ',':
        parts.push(token);
        newline();
        break;
      case ':':
        parts.push(': ');
        break;
      default:
        parts.push(element('span', { class: kind(token, found[i + 1]) }, token));
    }
  });
  into.replaceChildren(...parts);
}

/** Parses JSON. Whole numbers that a double cannot hold become text, where a browser tells it. */
export const parseExactly = (text) => JSON.parse(text, (key, value, context) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(context?.source ?? '')) return value;
  return context.source;
});

/**
 * The values of a key, each as it came, in the order in which they are in a text. The
 * key within such a value is a part of it.
 */
export function rawValues(text, key) {
  const wanted = JSON.stringify(key);
  const values = [];
  let depth = 0;
  let last = ''; // tokens before this one
  let before = '';
  let from = -1; // where the value begins that is being read
  let outside = 0; // the depth around it
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (from < 0 && last === ':' && before === wanted) {
      from = index;
      outside = depth;
    }
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    if (from >= 0 && depth === outside) {
      values.push(text.slice(from, index + token.length));
      from = -1;
    }
    before = last;
    last = token;
  }
  return values;
}

function kind(token, next) {
  if (next === ':') return 'key';
  return token.startsWith('"') ? 'string' : 'number';
}
