// The one script a page asks for; each module takes care of its own elements.
import './prefs.js';
import './connection.js';
import './shortcuts.js';
import './count.js';
import './panes.js';
import './autosave.js';
import './annotate.js';
import './help.js';
import './score.js';
import './marks.js';
import './draft.js';
import './quote.js';
import './sources.js';
import './watch.js';
import './blind.js';
import './toast.js';
import './study.js';
