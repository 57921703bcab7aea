// <auto-save revision="41"><form id action method=post>…</form></auto-save>
//
// Nothing typed is lost. One request is in flight at a time and the newest state wins; each
// names the revision it is based on (If-Match, read when it is sent) and gets the new one
// back (ETag). What is not acknowledged lies in localStorage and comes back on reload. A 409
// shows both texts: the person chooses, and the other one stays reachable.
// The words of the state go to every [data-save-for="<form id>"].
import { word } from './words.js';

const pause = 400, firstWait = 1000, longestWait = 30_000;

class AutoSave extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector('form');
    this.revision = +this.getAttribute('revision');
    this.key = 'draft:' + new URL(this.form.action).pathname;
    this.wait = firstWait;
    this.seen = this.body();
    this.form.addEventListener('input', () => this.touched());
    this.form.addEventListener('change', () => this.touched());
    this.form.addEventListener('submit', event => this.submitted(event));
    addEventListener('online', () => this.retryNow());
    addEventListener('focus', () => this.refused || this.retryNow());
    addEventListener('pagehide', () => this.leave());
    document.addEventListener('visibilitychange', () => document.hidden && this.save());
    this.restore();
  }

  // state of the form, without the revision
  fields() {
    return [...new FormData(this.form)].filter(([name, value]) => name !== 'revision' && typeof value === 'string');
  }
  body() { return JSON.stringify(this.fields()); }

  fill(pairs) {
    const byName = Map.groupBy(pairs, ([name]) => name);
    for (const field of this.form.elements) {
      if (!field.name || field.name === 'revision' || ['submit', 'button', 'file'].includes(field.type)) continue;
      const values = (byName.get(field.name) ?? []).map(([, value]) => value);
      if (['checkbox', 'radio'].includes(field.type)) field.checked = values.includes(field.value);
      else if (values.length) field.value = values[0];
    }
    this.form.dispatchEvent(new Event('restored'));
  }

  touched() {
    if (this.body() === this.seen && !this.dirty) return;
    this.dirty = true;
    this.refused = false;
    this.keep();
    if (this.conflicted) return;
    if (!this.busy && !this.waiting) this.say('editing');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ revision: this.revision, body: this.body(), at: Date.now() }));
    } catch { /* full or forbidden: the server copy is still tried */ }
  }

  // A draft that the server has not seen comes back. Based on the page's revision it is simply
  // newer; based on an older one, somebody else has saved meanwhile, and the person chooses.
  restore() {
    const draft = JSON.parse(localStorage.getItem(this.key) || 'null');
    if (!draft || draft.body === this.body()) {
      localStorage.removeItem(this.key);
      return;
    }
    const server = this.fields();
    this.fill(JSON.parse(draft.body));
    this.dirty = true;
    if (draft.revision === this.revision) {
      this.say('restored');
      this.timer = setTimeout(() => this.save(), pause);
      return;
    }
    this.conflict(this.revision, Object.fromEntries(server));
  }

  request(more) {
    const data = new FormData(this.form);
    return { method: 'POST', body: data, headers: { 'If-Match': `"${this.revision}"`, Accept: 'application/json' }, redirect: 'manual', ...more };
  }

  // save sends what is there now; true when the server has everything.
  async save() {
    clearTimeout(this.timer);
    if (this.busy) return this.busy.then(ok => ok && this.dirty ? this.save() : ok);
    if (!this.dirty) return true;
    if (this.conflicted) return false;
    clearTimeout(this.waiting);
    this.waiting = undefined;
    this.busy = this.send();
    const ok = await this.busy;
    this.busy = undefined;
    return ok && this.dirty ? this.save() : ok;
  }

  async send() {
    const sent = this.body();
    this.dirty = false;
    this.say('saving');
    let reply;
    try {
      reply = await fetch(this.form.action, this.request());
    } catch {
      dispatchEvent(new Event('net:off'));
      return this.later(navigator.onLine ? 'retry' : 'offline');
    }
    dispatchEvent(new Event('net:on'));
    if (reply.ok) return this.acknowledged(reply, sent);
    if (reply.status === 409) return this.answered409(reply);
    if (reply.status === 401 || reply.type === 'opaqueredirect') return this.later('signed_out');
    if (reply.status === 413) return this.refuse('too_large');
    if (reply.status >= 400 && reply.status < 500 && reply.status !== 429) {
      const problem = await reply.json().catch(() => ({}));
      return this.refuse('refused', problem.detail || String(reply.status));
    }
    return this.later('retry');
  }

  acknowledged(reply, sent) {
    this.revision = +reply.headers.get('ETag').replaceAll('"', '');
    this.setAttribute('revision', this.revision);
    const hidden = this.form.elements.revision;
    if (hidden) hidden.value = this.revision;
    this.seen = sent;
    this.wait = firstWait;
    if (this.dirty) this.keep();
    else localStorage.removeItem(this.key);
    this.say('saved', { n: this.revision });
    this.dispatchEvent(new CustomEvent('saved', { bubbles: true, detail: this.revision }));
    return true;
  }

  async answered409(reply) {
    const newer = await reply.json().catch(() => null);
    if (!newer?.fields) return this.refuse('refused', newer?.detail || '409');
    this.dirty = true;
    this.conflict(newer.revision, newer.fields);
    return false;
  }

  later(state) {
    this.dirty = true;
    this.say(state);
    this.waiting = setTimeout(() => { this.waiting = undefined; this.save(); }, this.wait);
    this.wait = Math.min(this.wait * 2, longestWait);
    return false;
  }

  retryNow() {
    if (!this.dirty || this.conflicted) return;
    this.wait = firstWait;
    this.save();
  }

  refuse(state, why) {
    this.dirty = this.refused = true;
    this.keep();
    this.say(state, { why });
    return false;
  }

  // A person leaves: one last try that outlives the page. The draft stays until it is acknowledged.
  leave() {
    if (!this.dirty || this.conflicted) return;
    this.keep();
    fetch(this.form.action, this.request({ keepalive: true })).catch(() => {});
  }

  // Sending for good waits until everything is saved, so that it is about the newest text.
  async submitted(event) {
    if (this.sending) { this.sending = false; return; }
    event.preventDefault();
    const button = event.submitter;
    const ok = await this.save();
    if (!ok || !button?.hasAttribute('formaction')) return;
    this.sending = true;
    this.form.requestSubmit(button);
  }

  say(state, args) {
    this.dataset.state = state;
    for (const out of document.querySelectorAll(`[data-save-for="${this.form.id}"]`)) {
      out.textContent = word(state, args);
      out.dataset.state = { signed_out: 'retry', too_large: 'refused', restored: 'editing' }[state] ?? state;
    }
  }

  conflict(revision, theirs) {
    this.conflicted = true;
    this.keep();
    this.say('conflict');
    const mine = this.fields();
    const box = make('div', 'conflict');
    box.setAttribute('role', 'alertdialog');
    box.setAttribute('aria-label', word('conflict'));
    box.append(make('p', '', word('conflict_what', { n: revision })));
    const own = Object.fromEntries(mine);
    for (const name of Object.keys({ ...own, ...theirs })) {
      if ((own[name] ?? '') === (theirs[name] ?? '')) continue;
      box.append(this.versions(name, own[name], theirs[name]));
    }
    const choose = (label, pick, primary) => {
      const button = make('button', 'button' + (primary ? ' primary' : ''), word(label));
      button.type = 'button';
      button.onclick = () => { box.remove(); this.conflicted = false; this.revision = revision; pick(); };
      return button;
    };
    const row = make('div', 'row end');
    row.append(
      choose('take_theirs', () => this.take(mine, theirs)),
      choose('keep_mine', () => { this.dirty = true; this.keep(); this.save(); }, true));
    box.append(row);
    this.prepend(box);
    box.scrollIntoView({ block: 'nearest' });
    row.lastChild.focus({ preventScroll: true });
  }

  versions(name, mine, theirs) {
    const pair = make('div', 'versions');
    const label = this.form.elements[name]?.labels?.[0]?.firstChild?.textContent?.trim() || name;
    for (const [who, text] of [['mine', mine], ['theirs', theirs]]) {
      const side = make('div');
      side.append(make('h4', '', `${word(who)} · ${label}`), make('div', 'text', text || word('empty')));
      pair.append(side);
    }
    return pair;
  }

  // Theirs goes into the form; mine stays in this browser and can be put back.
  take(mine, theirs) {
    localStorage.setItem('kept:' + this.key.slice(6), JSON.stringify({ body: JSON.stringify(mine), at: Date.now() }));
    this.fill(Object.entries(theirs));
    this.seen = this.body();
    this.dirty = false;
    localStorage.removeItem(this.key);
    this.say('saved', { n: this.revision });
    const back = make('p', 'notice', word('took_theirs') + ' ');
    const button = make('button', 'button small', word('get_back'));
    button.type = 'button';
    button.onclick = () => { back.remove(); this.fill(mine); this.touched(); };
    back.append(button);
    this.prepend(back);
  }
}

function make(tag, className = '', text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

customElements.define('auto-save', AutoSave);
