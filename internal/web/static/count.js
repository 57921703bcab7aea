// <text-count for="field" data-min data-max> counts code points while people type.
import { word, count } from './words.js';

class TextCount extends HTMLElement {
  connectedCallback() {
    this.field = document.getElementById(this.getAttribute('for'));
    this.field?.addEventListener('input', () => this.show());
    this.field?.form?.addEventListener('restored', () => this.show());
    this.show();
  }
  show() {
    const n = count(this.field?.value ?? ''), min = +this.dataset.min, max = +this.dataset.max;
    const key = min && max ? 'range' : min ? 'range_min' : max ? 'range_max' : 'chars';
    this.textContent = word(key, { n, min, max });
    this.dataset.range = n && min && n < min ? 'low' : max && n > max ? 'high' : 'in';
  }
}
customElements.define('text-count', TextCount);
