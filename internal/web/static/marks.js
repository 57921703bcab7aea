// Rows of marks by keyboard: in a row of marks a digit gives that mark (0 is ten) and goes on
// to the next row without one.
import { composing } from './words.js';

document.addEventListener('keydown', event => {
  if (composing(event) || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
  const row = event.target.closest?.('.marks');
  if (!row) return;
  const mark = row.querySelector(`input[value="${event.key === '0' ? '10' : event.key}"]`);
  if (!mark) return;
  event.preventDefault();
  mark.click();
  const rows = [...row.closest('form').querySelectorAll('.marks')];
  const next = rows.slice(rows.indexOf(row) + 1).find(r => !r.querySelector(':checked'));
  (next?.querySelector('input') ?? mark).focus();
});
