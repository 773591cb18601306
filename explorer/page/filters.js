// The filter of a list: its fields are in the query of the address, so that it can be
// passed on, and Back undoes a change.

import { withQuery } from './api.js';
import { element } from './dom.js';

/** A choice: values are those of the API, of which the first is the default. */
export const choice = (name, label, values, names = {}) => ({ name, label, values, names });

/** Which end of a list comes first. */
export const order = choice('order', 'Order', ['newest', 'oldest'], { newest: 'newest first', oldest: 'oldest first' });

/** A type field, with what is known in a list; text that is not known is left to the API. */
export const types = (catalogue) => ({
  name: 'types', label: 'Types', placeholder: 'all, or MessageAdded, vrf.*',
  suggestions: [...catalogue.prefixes(), ...catalogue.types.map(({ name }) => name)],
});

/** A span of time; it is chosen in local time, and asked for in UTC. */
export const times = [{ name: 'from', label: 'From', time: true }, { name: 'to', label: 'To', time: true }];

/** What a filter asks the API for. */
export function apiQuery(fields, query) {
  return Object.fromEntries(fields.map(({ name }) => [name, query.get(name) ?? '']));
}

/** The form of a filter on the page at a path. */
export function filterForm(fields, path, query, go) {
  const form = element('form', { class: 'filters', autocomplete: 'off', 'aria-label': 'Filter' });
  const inputs = fields.map((field) => input(field, query.get(field.name) ?? ''));
  const submit = () => {
    const wanted = new URLSearchParams(query);
    fields.forEach((field, i) => {
      const value = field.time ? utc(inputs[i].value) : inputs[i].value.trim().replaceAll(/[\s,]+/g, field.suggestions ? ',' : ' ');
      if (value === '' || value === field.values?.[0]) wanted.delete(field.name);
      else wanted.set(field.name, value);
    });
    go(withQuery(path, Object.fromEntries(wanted)));
  };
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    submit();
  });
  form.addEventListener('change', submit);
  fields.forEach((field, i) => form.append(element('div', { class: `field ${field.suggestions ? 'wide' : ''}` },
    element('label', { for: inputs[i].id }, field.label), inputs[i], ...field.suggestions ? [suggestions(field)] : [])));
  if (fields.some(({ name }) => query.get(name))) {
    const reset = element('button', { type: 'button', id: 'filter-reset' }, 'Reset');
    reset.addEventListener('click', () => go(path));
    form.append(reset);
  }
  return form;
}

function input({ name, values, names, time, suggestions: list, placeholder }, value) {
  const id = `filter-${name}`;
  if (values) {
    const select = element('select', { id });
    for (const v of values) {
      const option = element('option', { value: v }, names[v] ?? v);
      option.selected = v === value;
      select.append(option);
    }
    return select;
  }
  const e = element('input', { id, type: time ? 'datetime-local' : 'text', spellcheck: 'false', autocapitalize: 'off' });
  if (time) e.step = '1';
  if (list) {
    e.setAttribute('list', `${id}-list`);
    e.placeholder = placeholder;
  }
  e.value = time ? local(value) : value;
  return e;
}

const suggestions = ({ name, suggestions: values }) => element('datalist', { id: `filter-${name}-list` }, ...values.map((value) => element('option', { value })));

function utc(text) {
  const at = new Date(text);
  return text === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

function local(iso) {
  const at = new Date(iso);
  if (iso === '' || Number.isNaN(at.getTime())) return '';
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
