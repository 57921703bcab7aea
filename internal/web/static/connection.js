// <net-state> says in a word whether the server can be reached.
import { word } from './words.js';

class NetState extends HTMLElement {
  connectedCallback() {
    this.show = () => this.say(navigator.onLine);
    addEventListener('online', this.show);
    addEventListener('offline', this.show);
    addEventListener('net:off', () => this.say(false));
    addEventListener('net:on', () => this.say(true));
    if (!navigator.onLine) this.show();
  }
  say(on) {
    this.dataset.state = on ? 'on' : 'off';
    this.textContent = word(on ? 'online' : 'net_off');
  }
}
customElements.define('net-state', NetState);
