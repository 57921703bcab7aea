// Lists: [data-pick-all] ticks the rows of its form, [data-picked] says how many are ticked.
// Sheets: in a form with data-marks-keys, 1-9 and 0 (ten) give a mark and go on to the next row.
import { composing } from './words.js';

for (const all of document.querySelectorAll('[data-pick-all]')) {
  const form = all.form, boxes = () => [...form.querySelectorAll('td.pick input')];
  const said = form.querySelector('[data-picked]');
  const show = () => {
    const n = boxes().filter(box => box.checked).length;
    all.checked = n > 0 && n === boxes().length;
    all.indeterminate = n > 0 && !all.checked;
    said.textContent = n ? said.dataset.picked.replace('{n}', n) : '';
  };
  all.addEventListener('change', () => { for (const box of boxes()) box.checked = all.checked; show(); });
  form.addEventListener('change', show);
  show();
}

document.addEventListener('keydown', event => {
  if (composing(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
  if (event.target.closest?.('input:not([type=radio], [type=checkbox]), textarea, select')) return;
  const form = document.querySelector('form[data-marks-keys]');
  const rows = form ? [...form.querySelectorAll('.marks')] : [];
  if (!rows.length) return;
  const row = rows.find(r => r.contains(document.activeElement)) || rows.find(r => !r.querySelector(':checked')) || rows[0];
  const mark = row.querySelector(`input[value="${event.key === '0' ? '10' : event.key}"]`);
  if (!mark) return;
  event.preventDefault();
  mark.click();
  const next = rows[rows.indexOf(row) + 1];
  if (next) (next.querySelector(':checked') || next.querySelector('input')).focus();
  else mark.focus();
});
