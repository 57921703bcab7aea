// .panes: columns that people drag, by pointer or arrow keys, and that stay as they were left.
// Under 1200 px the side pane is a drawer, under 900 px the others are tabs.
import { word } from './words.js';

for (const panes of document.querySelectorAll('.panes')) {
  const key = 'panes:' + (panes.id || 'work');
  const kept = JSON.parse(localStorage.getItem(key) || '{}');
  for (const [name, width] of Object.entries(kept)) panes.style.setProperty(name, width);

  panes.querySelectorAll(':scope > .pane-grip').forEach((grip, i) => {
    const last = grip.classList.contains('last');
    const name = last ? '--pane-c' : '--pane-a';
    const pane = () => last ? grip.nextElementSibling : grip.previousElementSibling;
    grip.setAttribute('role', 'separator');
    grip.setAttribute('aria-orientation', 'vertical');
    grip.setAttribute('aria-label', word('pane'));
    grip.tabIndex = 0;
    const tell = () => grip.setAttribute('aria-valuenow', Math.round(100 * pane().offsetWidth / (panes.clientWidth || 1)));
    tell();
    const set = width => {
      const max = panes.clientWidth * .6;
      const value = Math.round(Math.max(200, Math.min(max, width))) + 'px';
      panes.style.setProperty(name, value);
      kept[name] = value;
      localStorage.setItem(key, JSON.stringify(kept));
      tell();
    };
    grip.addEventListener('pointerdown', event => {
      grip.setPointerCapture(event.pointerId);
      grip.classList.add('held');
      const start = event.clientX, width = pane().offsetWidth;
      grip.onpointermove = e => set(width + (e.clientX - start) * (last ? -1 : 1));
      grip.onpointerup = grip.onpointercancel = () => { grip.onpointermove = null; grip.classList.remove('held'); };
    });
    grip.addEventListener('keydown', event => {
      const step = { ArrowLeft: -24, ArrowRight: 24 }[event.key];
      if (!step) return;
      event.preventDefault();
      set(pane().offsetWidth + step * (last ? -1 : 1));
    });
    grip.addEventListener('dblclick', () => {
      panes.style.removeProperty(name);
      delete kept[name];
      localStorage.setItem(key, JSON.stringify(kept));
    });
  });

  const tabs = document.querySelectorAll(`.pane-tabs[data-for="${panes.id}"] [data-pane]`);
  const front = id => {
    for (const pane of panes.querySelectorAll(':scope > .pane')) pane.classList.toggle('front', pane.id === id);
    for (const tab of tabs) tab.setAttribute('aria-selected', tab.dataset.pane === id);
  };
  if (tabs.length) {
    panes.dataset.tabbed = '';
    front(tabs[tabs.length - 1].dataset.pane);
    for (const tab of tabs) tab.addEventListener('click', () => front(tab.dataset.pane));
  }
}

// Drawer: [data-drawer="id"] opens or closes the side pane; Escape closes and gives focus back.
let opener;
const toggle = (pane, on) => {
  pane.classList.toggle('open', on);
  if (on) pane.querySelector('button, a, input, textarea')?.focus();
  else opener?.focus();
};
document.addEventListener('click', event => {
  const button = event.target.closest('[data-drawer]');
  if (!button) return;
  const pane = document.getElementById(button.dataset.drawer);
  if (!pane.contains(button)) opener = button;
  toggle(pane, !pane.classList.contains('open'));
});
document.addEventListener('keydown', event => {
  const pane = document.querySelector('.pane.side.open');
  if (event.key === 'Escape' && pane) toggle(pane, false);
});
