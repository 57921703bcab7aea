// What each kind of blind task does with keys and pointers. open(task) prepares a sheet, key(task, event)
// reports whether a key was used, wrong(task) says what is missing.
import { word } from './words.js';

const texts = task => [...task.sheet.querySelectorAll('.answer')];

// lines scrolls the texts that are open by a quarter of a screen.
function lines(task, way) {
  const text = texts(task).find(a => a.contains(document.activeElement)) ?? texts(task).find(a => a.checkVisibility());
  task.sheet.lead = text;
  text?.scrollBy({ top: way * text.clientHeight / 4 });
}

// A pair: two texts scroll together, by the share that has been read and not by lines, so that both end
// at once and neither looks longer.
const pair = {
  open(task) {
    const [a, b] = texts(task);
    follow(task, a, b);
    follow(task, b, a);
    const button = task.querySelector('[data-link]');
    button.setAttribute('aria-pressed', linked());
    button.onclick = () => {
      localStorage.setItem('linked', linked() ? 'no' : 'yes');
      button.setAttribute('aria-pressed', linked());
      if (linked()) (task.sheet.lead ?? a).dispatchEvent(new Event('scroll'));
    };
  },
  key(task, event) {
    const value = { ArrowLeft: 'a', 1: 'a', ArrowRight: 'b', 2: 'b', ArrowDown: 'tie', 3: 'tie', ArrowUp: 'both_bad', 4: 'both_bad' }[event.key];
    if (value) {
      if (!event.repeat) task.form.requestSubmit(task.form.querySelector(`[value=${value}]`));
      return true;
    }
    if (event.key !== 'j' && event.key !== 'k') return false;
    lines(task, event.key === 'j' ? 1 : -1);
    return true;
  },
};

const linked = () => localStorage.getItem('linked') !== 'no';

// follow lets the text that the person has in hand lead the other; only a leader is followed, so that an
// answer to a scroll is never taken for one.
function follow(task, from, to) {
  for (const sign of ['wheel', 'pointerdown', 'touchstart', 'keydown', 'focusin']) {
    from.addEventListener(sign, () => { task.sheet.lead = from; }, { passive: true });
  }
  from.addEventListener('scroll', () => {
    if (task.sheet.lead !== from || !linked()) return;
    const way = from.scrollHeight - from.clientHeight;
    to.scrollTop = way > 0 ? from.scrollTop / way * (to.scrollHeight - to.clientHeight) : 0;
  }, { passive: true });
}

// A ranking: the selects at the answers hold the places; strip, list, keys and dragging set them.
const rank = {
  open(task) {
    const sheet = task.sheet;
    sheet.at = 1;
    sheet.pinned = 0;
    sheet.addEventListener('click', event => {
      const tab = event.target.closest('[data-open]'), slot = event.target.closest('[data-slot]');
      if (tab) front(task, +tab.dataset.open);
      if (slot) place(task, sheet.at, +slot.dataset.slot);
    });
    sheet.addEventListener('change', event => {
      const select = event.target.closest('[data-place]');
      if (!select) return;
      const want = +select.value;
      select.value = select.before ?? '';
      place(task, +select.dataset.place, want);
    });
    sheet.addEventListener('dragstart', event => {
      const from = event.target.closest('[data-open], [data-slot][data-answer]');
      if (from) event.dataTransfer.setData('text/plain', from.dataset.open ?? from.dataset.answer);
    });
    for (const slot of sheet.querySelectorAll('[data-slot]')) {
      slot.addEventListener('dragover', event => { event.preventDefault(); slot.classList.add('over'); });
      slot.addEventListener('dragleave', () => slot.classList.remove('over'));
      slot.addEventListener('drop', event => {
        event.preventDefault();
        slot.classList.remove('over');
        const answer = +event.dataTransfer.getData('text/plain');
        if (answer) place(task, answer, +slot.dataset.slot);
      });
    }
    const pin = task.querySelector('[data-pin]');
    pin.onclick = () => {
      sheet.pinned = sheet.pinned ? 0 : sheet.at;
      if (sheet.pinned) sheet.at = sheet.pinned % texts(task).length + 1;
      draw(task);
      task.focusText();
    };
    draw(task);
  },
  restored: task => draw(task),
  key(task, event) {
    const n = texts(task).length, step = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[event.key];
    if (step) {
      let to = task.sheet.at;
      do to = (to - 1 + step + n) % n + 1; while (to === task.sheet.pinned);
      front(task, to);
      return true;
    }
    if (!/^[0-9]$/.test(event.key) || +event.key > n) return false;
    if (!event.repeat) place(task, task.sheet.at, +event.key);
    return true;
  },
  wrong(task) {
    const missing = selects(task).filter(s => !s.value).map(s => name(task, +s.dataset.place));
    return missing.length ? word('verdict_gaps', { names: missing.join(' ') }) : '';
  },
};

const selects = task => [...task.sheet.querySelectorAll('[data-place]')];
const name = (task, answer) => task.sheet.querySelector(`#letter-${answer}`).textContent;

// front opens an answer to be read; a pinned one stays beside it.
function front(task, answer) {
  if (answer === task.sheet.pinned) task.sheet.pinned = 0;
  task.sheet.at = answer;
  draw(task);
  texts(task)[answer - 1].focus({ preventScroll: true });
}

// place puts an answer in a place; who stands there gives way towards the nearest free one. 0 takes the
// place away.
function place(task, answer, want) {
  const all = selects(task), slots = [];
  for (const s of all) if (s.value) slots[+s.value] = +s.dataset.place;
  const now = slots.indexOf(answer);
  if (now > 0) delete slots[now];
  if (want) {
    let free = want;
    while (slots[free] && free <= all.length) free++;
    if (free > all.length) for (free = want; slots[free]; free--);
    for (const step = free > want ? -1 : 1; free !== want; free += step) slots[free] = slots[free + step];
    slots[want] = answer;
  }
  for (const s of all) {
    const at = slots.indexOf(+s.dataset.place);
    s.value = at > 0 ? at : '';
  }
  task.say('');
  draw(task);
  task.keep(false);
}

// draw shows which answers are open and who stands where.
function draw(task) {
  const { sheet } = task, { at, pinned } = sheet;
  for (const text of texts(task)) {
    const n = +text.dataset.answer;
    text.classList.toggle('open', n === at || n === pinned);
    text.classList.toggle('pinned', n === pinned);
  }
  const pin = task.querySelector('[data-pin]');
  pin.setAttribute('aria-pressed', Boolean(pinned));
  for (const tab of sheet.querySelectorAll('[data-open]')) {
    tab.setAttribute('aria-pressed', +tab.dataset.open === at);
    tab.classList.toggle('pinned', +tab.dataset.open === pinned);
  }
  for (const s of selects(task)) {
    s.before = s.value;
    sheet.querySelector(`[data-place-of="${s.dataset.place}"]`).textContent = s.value;
  }
  for (const slot of sheet.querySelectorAll('[data-slot]')) {
    const s = selects(task).find(s => s.value === slot.dataset.slot);
    slot.querySelector('span').textContent = s ? name(task, +s.dataset.place) : slot.dataset.empty;
    slot.draggable = Boolean(s);
    slot.classList.toggle('here', Boolean(s) && +s.dataset.place === at);
    if (s) slot.dataset.answer = s.dataset.place;
    else delete slot.dataset.answer;
  }
}

// A rating: one side is the one in turn, with what its marks mean; a digit marks it and goes on.
const rate = {
  open(task) {
    const all = grades(task);
    turn(task, all[0]);
    task.sheet.addEventListener('focusin', event => {
      const grade = event.target.closest('[data-grade]');
      if (grade) turn(task, grade);
    });
    task.sheet.addEventListener('change', event => event.target.closest('[data-grade]')?.classList.remove('missing'));
  },
  restored: task => turn(task, grades(task).find(g => !g.querySelector(':checked')) ?? grades(task)[0]),
  key(task, event) {
    const all = grades(task), at = all.findIndex(g => g.classList.contains('at'));
    const step = { j: 1, k: -1 }[event.key];
    if (step) {
      go(task, all[Math.max(0, Math.min(all.length - 1, at + step))]);
      return true;
    }
    if (!/^[0-3]$/.test(event.key)) return false;
    if (event.repeat) return true;
    const mark = all[at].querySelector(`[value="${event.key}"]`);
    mark.checked = true;
    mark.dispatchEvent(new Event('change', { bubbles: true }));
    go(task, all[Math.min(at + 1, all.length - 1)]);
    return true;
  },
  wrong(task) {
    const missing = grades(task).filter(g => !g.querySelector(':checked'));
    for (const g of missing) g.classList.add('missing');
    if (missing.length) go(task, missing[0]);
    return missing.length ? word('verdict_gaps', { names: missing.map(g => g.querySelector('legend').textContent).join(' · ') }) : '';
  },
};

const grades = task => [...task.sheet.querySelectorAll('[data-grade]')];

function turn(task, grade) {
  for (const g of grades(task)) g.classList.toggle('at', g === grade);
}

// go moves on; the focus goes along when it was in a grade, and stays in the text when one reads on.
function go(task, grade) {
  const along = document.activeElement.closest?.('[data-grade]');
  turn(task, grade);
  grade.scrollIntoView({ block: 'nearest' });
  if (along) (grade.querySelector(':checked') ?? grade.querySelector('input')).focus({ preventScroll: true });
}

export const kinds = { pair, rank, rate };
