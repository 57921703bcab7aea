// <blind-task>: one task after the other without loading a page. A verdict shows the next sheet at once,
// which was fetched ahead, and is sent meanwhile; if it is not taken, its sheet comes back with a word
// why. What was chosen lies in this browser until the server has it. blind_kinds.js has what pairs,
// rankings and ratings do.
import { composing, word } from './words.js';
import { kinds } from './blind_kinds.js';

// settle: a verdict key or click this soon after a sheet came is the end of the one before (ms).
const settle = 400, prefix = 'verdict:';
const parse = html => new DOMParser().parseFromString(html, 'text/html').querySelector('#sheet');

class BlindTask extends HTMLElement {
  connectedCallback() {
    this.kind = kinds[this.dataset.kind];
    this.addEventListener('submit', event => this.submitted(event));
    this.addEventListener('input', () => this.keep(false));
    this.addEventListener('change', () => this.keep(false));
    this.addEventListener('toggle', event => this.folded(event.target), true);
    document.addEventListener('keydown', event => this.pressed(event), true);
    addEventListener('popstate', () => location.reload());
    addEventListener('online', () => this.again?.());
    addEventListener('focus', () => this.again?.());
    this.undo = this.querySelector('#undo');
    this.count(this.undo);
    this.open(this.querySelector('#sheet'));
    const kept = this.kept();
    if (kept && !this.done) this.restore(kept);
  }

  get done() { return 'done' in this.sheet.dataset; }
  get form() { return this.sheet.querySelector('form.verdict'); }
  get key() { return prefix + this.sheet.dataset.path; }

  // open makes a sheet work that stands on the page now.
  open(sheet) {
    this.sheet = sheet;
    this.dataset.ready = '';
    sheet.dataset.scripted = '';
    const query = sheet.querySelector('.query');
    query.open = localStorage.getItem('query') !== 'folded';
    for (const answer of sheet.querySelectorAll('.answer')) {
      answer.addEventListener('scroll', () => read(answer), { passive: true });
    }
    const until = sheet.querySelector('[data-until]');
    if (until) this.count(until);
    if (this.done) forget(this.key);
    else this.kind.open(this);
    if (sheet.querySelector('[data-notice] .notice')) return;
    this.focusText();
    this.ahead();
  }

  focusText() {
    const text = [...this.sheet.querySelectorAll('.answer')].find(a => a.checkVisibility());
    text?.focus({ preventScroll: true });
  }

  // The next task is fetched while this one is read; its time does not count yet.
  ahead() {
    const path = this.sheet.dataset.next;
    this.fetched = path ? fetch(`${path}?part=1&from=${this.sheet.dataset.path.split('/').pop()}`).then(r => r.ok ? r.text() : '').then(parse).catch(() => null) : Promise.resolve(null);
    this.fetched.then(sheet => { this.next = sheet; });
  }

  folded(details) {
    if (details.matches('.query')) localStorage.setItem('query', details.open ? 'open' : 'folded');
    if (details.matches('.note-of') && details.open) details.querySelector('textarea').focus();
  }

  pressed(event) {
    if (composing(event) || event.altKey || document.querySelector('dialog[open]') || this.done) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const button = this.form.querySelector('.primary');
      if (button) this.form.requestSubmit(button);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const field = event.target.closest?.('textarea, select, input:not([type=radio])');
    if (field && event.key === 'Escape') { field.blur(); this.focusText(); }
    if (field) return;
    if (this.kind.key(this, event)) event.preventDefault();
  }

  submitted(event) {
    const form = event.target;
    if (form !== this.form || event.submitter?.hasAttribute('formaction')) return;
    event.preventDefault();
    if (!('ready' in this.dataset)) return;
    if (this.busy) { // the one before is on its way: this one follows it
      this.following = event.submitter;
      return;
    }
    const wrong = this.kind.wrong?.(this);
    if (wrong) return this.say(wrong);
    const data = new FormData(form, event.submitter);
    this.send(data, event.submitter);
  }

  async send(data, button) {
    const from = this.sheet, path = from.dataset.path;
    this.busy = true;
    this.again = undefined;
    this.say('');
    button?.setAttribute('aria-busy', 'true');
    this.keep(true, data);
    const sent = fetch(this.form.action, { method: 'POST', body: new URLSearchParams(data), headers: { Accept: 'application/json' }, redirect: 'manual' });
    const next = this.next;
    if (next) this.show(next);
    let reply, body = {};
    try {
      reply = await sent;
      body = await reply.json().catch(() => ({}));
      dispatchEvent(new Event('net:on'));
    } catch {
      dispatchEvent(new Event('net:off'));
    }
    this.busy = false;
    button?.removeAttribute('aria-busy');
    const following = this.following;
    this.following = undefined;
    if (reply?.ok) {
      this.taken(path, body, next);
      if (next && following?.form === this.form) this.form.requestSubmit(following);
      return;
    }
    if (reply?.status === 409) {
      forget(prefix + path);
      return location.assign(path + '?other=1');
    }
    if (next) this.putBack(from);
    if (reply?.status === 401 || reply?.type === 'opaqueredirect') {
      this.say(word('verdict_signed_out'), { href: '/login?next=' + encodeURIComponent(path), text: word('sign_in') });
    } else if (reply && reply.status < 500 && reply.status !== 429) {
      this.say([body.detail, ...Object.values(body.fields ?? {})].filter(Boolean).join(' ') || String(reply.status));
      this.keep(false);
      return;
    } else {
      this.say(word('verdict_retry'));
    }
    this.again = () => this.sheet === from && this.send(data, button);
  }

  show(next) {
    const old = this.sheet;
    old.replaceWith(next);
    history.pushState({}, '', next.dataset.path);
    this.open(next);
    delete this.dataset.ready;
    this.settling = setTimeout(() => { this.dataset.ready = ''; }, settle);
    this.seen(next.dataset.path);
  }

  async seen(path) {
    const reply = await fetch(path + '/seen', { method: 'POST', headers: { Accept: 'application/json' }, redirect: 'manual' }).catch(() => null);
    const waits = reply?.ok && (await reply.json()).waits;
    if (waits === false && this.sheet.dataset.path === path && !this.busy) location.assign(path + '?other=1'); // judged in another window
  }

  putBack(from) {
    this.next = null;
    this.sheet.replaceWith(from);
    this.sheet = from;
    clearTimeout(this.settling);
    this.dataset.ready = '';
    history.replaceState({}, '', from.dataset.path);
    this.focusText();
    this.ahead();
  }

  taken(path, body, shown) {
    forget(prefix + path);
    for (const out of this.querySelectorAll('.blind-head [data-progress]')) out.textContent = body.words;
    const bar = this.querySelector('.blind-head progress');
    bar.value = body.done;
    if (!shown) return location.assign(body.then);
    this.undo.querySelector('[data-said]').textContent = word('verdict_kept', { said: body.said });
    this.undo.querySelector('form').action = body.back;
    this.undo.dataset.left = body.left;
    this.undo.hidden = false;
    this.count(this.undo);
  }

  // count shows the seconds in which something can be taken back, and hides it after them.
  count(box) {
    if (box.hidden) return;
    clearInterval(box.timer);
    const out = box.querySelector('[data-seconds]'), end = performance.now() + 1000 * (box.dataset.left ?? box.dataset.until);
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      out.textContent = Math.max(left, 0);
      if (left > 0) return;
      clearInterval(box.timer);
      if (box.contains(document.activeElement)) this.focusText();
      box.hidden = true;
    };
    tick();
    box.timer = setInterval(tick, 500);
  }

  // say puts a message above the answers; way is a link on.
  say(text, way) {
    const box = this.sheet.querySelector('[data-notice]');
    box.replaceChildren();
    if (!text) return;
    const p = document.createElement('p');
    p.className = 'notice warn';
    p.append(text, ' ');
    if (way) {
      const a = document.createElement('a');
      a.href = way.href;
      a.textContent = way.text;
      p.append(a);
    }
    box.append(p);
  }

  kept() {
    try { return JSON.parse(localStorage.getItem(this.key)); } catch { return null; }
  }

  keep(sent, data) {
    if (this.done) return;
    const values = [...(data ?? new FormData(this.form))];
    try { localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), sent, values })); } catch { /* full or forbidden: it is sent all the same */ }
  }

  // What was filled in before the page was lost comes back; what had been sent is sent again, which is
  // harmless when it had arrived.
  restore(kept) {
    const values = new Map(kept.values);
    for (const field of this.form.elements) {
      if (!values.has(field.name) || field.type === 'submit') continue;
      if (field.type === 'radio') field.checked = field.value === values.get(field.name);
      else field.value = values.get(field.name);
    }
    this.kind.restored?.(this);
    if (!kept.sent) return;
    const data = new FormData();
    for (const [name, value] of kept.values) data.append(name, value);
    this.fetched.then(() => this.send(data));
  }
}

// read shows how far a text has been read, as a share.
function read(answer) {
  const way = answer.scrollHeight - answer.clientHeight;
  answer.style.setProperty('--read', way > 0 ? answer.scrollTop / way : 1);
}

function forget(key) {
  try { localStorage.removeItem(key); } catch { /* no storage here */ }
}

// What nobody came back to goes after a month.
try {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(prefix) && Date.now() - (JSON.parse(localStorage.getItem(key))?.at ?? 0) > 30 * 24 * 3600 * 1000) forget(key);
  }
} catch { /* no storage here */ }

customElements.define('blind-task', BlindTask);
