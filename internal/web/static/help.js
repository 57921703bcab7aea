// What a model says about a draft, shown as it comes. The answer is a stream of JSON lines; the last
// line brings the panel as the server sets it. Stop closes the connection, which stops the model.
import { word, count, composing } from './words.js';

const panel = () => document.getElementById('model-help');
let running;

document.addEventListener('submit', event => {
  const form = event.target.closest?.('form[data-ask]');
  if (!form) return;
  event.preventDefault();
  if (!running) ask(form, event.submitter);
});

document.addEventListener('click', event => {
  if (event.target.closest?.('[data-stop]')) stop();
  const cite = event.target.closest?.('a.cite');
  if (cite) show(event, cite);
});

document.addEventListener('keydown', event => {
  if (event.key !== 'Escape' || !running || composing(event)) return;
  event.stopPropagation(); // the drawer it stands in stays open
  stop();
}, true);

addEventListener('pagehide', () => running?.abort());

function stop() { running?.abort(); }

async function ask(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  running = new AbortController();
  const box = panel().querySelector('.asking'), words = box.querySelector('[data-words]'), status = box.querySelector('[data-status]');
  const buttons = panel().querySelectorAll('form[data-ask] button');
  for (const b of buttons) b.disabled = true;
  for (const old of panel().querySelectorAll('.notice')) old.remove();
  words.textContent = '';
  box.hidden = false;
  status.textContent = word('asking');
  box.querySelector('[data-stop]').focus({ preventScroll: true });
  box.scrollIntoView({ block: 'nearest' });
  let thought = 0, scored = 0, html;
  const take = line => {
    const e = JSON.parse(line);
    if (e.thought) {
      thought += count(e.thought);
      status.textContent = word('thinking', { n: thought });
    }
    if (e.restart) {
      thought += count(words.textContent);
      words.textContent = '';
    }
    if (e.text) {
      words.append(e.text);
      status.textContent = word('writing', { n: count(words.textContent) });
    }
    if (e.part) status.textContent = word('scored', { n: ++scored });
    if (e.panel) html = e.panel;
  };
  try {
    // The question is about what is stored, so what was typed goes first.
    await document.querySelector('auto-save')?.save();
    const reply = await fetch(form.action, { method: 'POST', body, signal: running.signal, redirect: 'error', headers: { Accept: 'application/x-ndjson' } });
    if (!reply.ok) throw new Error((await reply.json().catch(() => ({}))).detail || String(reply.status));
    await lines(reply.body, take);
    if (!html) throw new Error(word('broke_off'));
  } catch (error) {
    if (error.name !== 'AbortError') status.textContent = word('ask_failed', { why: error.message });
    html ??= await fetchPanel(error.name === 'AbortError');
  }
  running = undefined;
  if (html) put(html, body.get('ask'));
  else for (const b of buttons) b.disabled = false;
}

async function lines(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? '')).split('\n');
    rest = parts.pop();
    for (const line of parts) if (line) take(line);
    if (done) return;
  }
}

// After a stop the server needs a moment to store what had come.
async function fetchPanel(stopped) {
  if (!stopped) return undefined;
  await new Promise(done => setTimeout(done, 300));
  try {
    const reply = await fetch(panel().dataset.panel, { redirect: 'error' });
    return reply.ok ? await reply.text() : undefined;
  } catch { return undefined; }
}

function put(html, name) {
  const fresh = new DOMParser().parseFromString(html, 'text/html').getElementById('model-help');
  const open = new Map([...panel().querySelectorAll('[data-answer]')].map(d => [d.dataset.answer, d.open]));
  panel().replaceWith(fresh);
  for (const d of fresh.querySelectorAll('[data-answer]')) d.open = d.dataset.answer === name || (open.get(d.dataset.answer) ?? true);
  const now = fresh.querySelector(`[data-answer="${name}"] summary`);
  (now ?? fresh.querySelector('button'))?.focus({ preventScroll: true });
}

// A citation leads to its passage in the article, wherever that is on this width of screen.
function show(event, cite) {
  const passage = document.getElementById(cite.getAttribute('href').slice(1));
  if (!passage) return;
  event.preventDefault();
  document.querySelector('[data-pane="article-pane"]')?.click();
  if (matchMedia('(max-width: 1200px)').matches) document.querySelector('.pane.side.open')?.classList.remove('open');
  passage.scrollIntoView({ block: 'center' });
  for (const old of document.querySelectorAll('.reading .cited')) old.classList.remove('cited');
  passage.classList.add('cited');
  setTimeout(() => passage.classList.remove('cited'), 4000);
}
