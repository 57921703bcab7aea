// <score-total data-total data-each data-text="{total} / 60 …"> sums the marks of its form as
// they are given, and says whether they pass the gate.
class ScoreTotal extends HTMLElement {
  connectedCallback() {
    this.closest('form').addEventListener('change', () => this.show());
    this.show();
  }
  show() {
    const marks = [...this.closest('form').querySelectorAll('.marks :checked')].map(input => +input.value);
    const total = marks.reduce((a, b) => a + b, 0), all = this.closest('form').querySelectorAll('.marks').length;
    this.textContent = this.dataset.text.replace('{total}', total).replace('{given}', marks.length).replace('{all}', all);
    const passes = total >= +this.dataset.total && marks.every(mark => mark >= +this.dataset.each);
    this.dataset.state = marks.length < all ? 'open' : passes ? 'pass' : 'miss';
  }
}
customElements.define('score-total', ScoreTotal);
