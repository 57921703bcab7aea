// Keys of a page. An element with data-key="1" (or "g s") is pressed or focused by it; rows
// of a [data-list] are walked with j and k. No key fires while an input method composes, nor
// inside a field except with a modifier. "?" lists what the page has.
import { composing } from './words.js';

const inField = target => target.closest?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]');
const rows = () => [...document.querySelectorAll('[data-list] [data-row]')].filter(row => row.offsetParent);
const visible = element => element.offsetParent || element.getClientRects().length;
let prefix = '', timer;

function act(element) {
  if (element.matches('input:not([type=checkbox], [type=radio], [type=submit]), textarea, select')) element.focus();
  else element.click();
}

function press(keys) {
  const found = [...document.querySelectorAll('[data-key]')].find(e => e.dataset.key === keys && !e.disabled && visible(e));
  if (found) act(found);
  return Boolean(found);
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.findIndex(row => row.classList.contains('at'));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  all[at]?.classList.remove('at');
  next.classList.add('at');
  next.scrollIntoView({ block: 'nearest' });
  next.querySelector('a')?.focus({ preventScroll: true });
  return true;
}

function list() {
  const dialog = document.getElementById('keys');
  if (dialog.open) return dialog.close();
  const dl = dialog.querySelector('dl');
  for (const old of dl.querySelectorAll('[data-own]')) old.remove();
  for (const element of document.querySelectorAll('[data-key]')) {
    if (!visible(element)) continue;
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    for (const key of element.dataset.key.split(' ')) {
      const kbd = document.createElement('kbd');
      kbd.textContent = key;
      dt.append(kbd, ' ');
    }
    dd.textContent = element.dataset.keyLabel || element.getAttribute('aria-label') || element.title || element.textContent.trim();
    dt.dataset.own = dd.dataset.own = '';
    dl.append(dt, dd);
  }
  for (const more of document.querySelectorAll('[data-more-keys]')) {
    for (const line of more.children) {
      const own = line.cloneNode(true);
      own.dataset.own = '';
      dl.append(own);
    }
  }
  dialog.showModal();
}

function row(key) {
  const at = document.querySelector('[data-row].at');
  if (!at) return false;
  if (key === 'x') {
    const box = at.querySelector('input[type=checkbox]');
    box?.click();
    return Boolean(box);
  }
  at.querySelector('a')?.click();
  return true;
}

document.addEventListener('keydown', event => {
  if (composing(event) || event.defaultPrevented || event.altKey) return;
  const field = inField(event.target);
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest?.('form');
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector('.primary[type=submit], button.primary') || undefined);
    return;
  }
  if (event.ctrlKey || event.metaKey || field) return;
  if (document.querySelector('dialog[open]') && event.key !== '?') return;
  const keys = prefix ? `${prefix} ${event.key}` : event.key;
  prefix = '';
  let done = press(keys);
  if (!done && keys === 'g') {
    prefix = 'g';
    clearTimeout(timer);
    timer = setTimeout(() => { prefix = ''; }, 1200);
    done = true;
  }
  if (!done) {
    switch (event.key) {
      case '?': list(); done = true; break;
      case '/': { const search = document.querySelector('[data-search]'); search?.focus(); search?.select(); done = Boolean(search); break; }
      case 'j': done = move(1); break;
      case 'k': done = move(-1); break;
      case 'x': done = row('x'); break;
      case 'Enter': done = !event.target.closest?.('a, button, summary, input') && row('Enter'); break;
    }
  }
  if (done) event.preventDefault();
});

document.addEventListener('click', event => {
  if (event.target.closest('[data-keys-open]')) list();
});

// A form with data-no-enter is never sent by plain Enter in a one-line field.
document.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return;
  if (composing(event) || event.target.closest?.('auto-save, [data-no-enter]')?.contains(event.target) && event.target.matches('input:not([type=submit])')) event.preventDefault();
});
